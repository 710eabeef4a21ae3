package live.root.sources_test

import data.lib.example_test as example
import data.live.root.sources

test_allow_root if count(sources.deny) == 0 with input as example.whole

test_deny_other_sources if {
	changes := [
		{"sources": replace(example.root.hcl.locals[0].sources, "github.com", "example.com")},
		{"sources": {}},
		{"versions": "${{}}"},
		{"organization": "${yamldecode(file(\"other.yaml\"))}"},
		{"organization": null},
	]
	every change in changes {
		count(sources.deny) == 1 with input as example.with_root_locals(change)
	}
}
