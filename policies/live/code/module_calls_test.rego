package live.code.module_calls_test

import data.lib.example_test as example
import data.live.code.module_calls

calls(source) := example.with_module({"calls": [{"name": "x", "source": source, "file": "x"}]})

test_allow_neighbour if count(module_calls.deny) == 0 with input as example.whole

test_deny_what_is_elsewhere if {
	sources := [
		"terraform-aws-modules/vpc/aws", "git::https://github.com/a/b.git", "../../live", "../function/tests", "./x", "/x",
		"${var.source}", null, "https://example.com/x.zip",
	]
	every source in sources {
		count(module_calls.deny) == 1 with input as calls(source)
	}
}
