package live.dependencies.exists_test

import data.lib.example_test as example
import data.live.dependencies.exists

test_allow_unit_that_exists if count(exists.deny) == 0 with input as example.whole

test_deny_unit_that_is_gone if {
	some finding in exists.deny with input as object.union(example.whole, {"paths": [example.unit.path]})
	finding.message == "the dependency registry leads to non-prod/eu-west-1/dev/registry, which does not exist"
}

test_deny_path_that_is_an_expression if {
	count(exists.deny) == 1 with input as example.with_dependency({"target": ""})
}
