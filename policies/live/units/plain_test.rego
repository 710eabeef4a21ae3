package live.units.plain_test

import data.lib.example_test as example
import data.live.units.plain

with_key(key) := example.with_unit({"keys": array.concat(example.unit.keys, [key])})

test_allow_plain_unit if count(plain.deny) == 0 with input as example.whole

test_deny_what_belongs_in_root if {
	keys := [
		"generate", "remote_state", "skip", "exclude", "engine", "terraform_binary", "iam_role", "feature", "errors",
		"retryable_errors", "prevent_destroy", "download_dir", "dependencies",
	]
	every key in keys {
		count(plain.deny) == 1 with input as with_key(key)
	}
}

test_deny_hooks_and_arguments if {
	every key in ["before_hook", "after_hook", "error_hook", "extra_arguments", "include_in_copy"] {
		terraform := [object.union(example.unit.hcl.terraform[0], {key: {"x": [{}]}})]
		count(plain.deny) == 1 with input as example.with_hcl({"terraform": terraform})
	}
}
