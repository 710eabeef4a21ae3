package live.tree.parsed_test

import data.lib.example_test as example
import data.live.tree.parsed

test_allow_what_was_read if count(parsed.deny) == 0 with input as example.whole

test_deny_what_was_not if {
	problem := {"file": "live/root.hcl", "line": 4, "message": "Missing expression"}
	some finding in parsed.deny with input as object.union(example.whole, {"problems": [problem]})
	[finding.file, finding.line, finding.message] == ["live/root.hcl", 4, "Missing expression"]
}
