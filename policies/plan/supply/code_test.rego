package plan.supply.code_test

import data.lib.fixture_test as fixture
import data.plan.supply.code as rule

configuration(root) := object.union(fixture.document([]), {"configuration": {"root_module": root}})

# A module called through as many others as there are in the list.
nested(names, innermost) := configuration(json.patch({}, [operation |
	some index, _ in names
	path := [part |
		some before in numbers.range(0, index)
		some part in ["module_calls", names[before], "module"]
	]
	some operation in [
		{"op": "add", "path": array.slice(path, 0, count(path) - 2), "value": {}},
		{"op": "add", "path": array.slice(path, 0, count(path) - 1), "value": {"source": "../x"}},
		{"op": "add", "path": path, "value": value(index, names, innermost)},
	]
]))

value(index, names, innermost) := innermost if index == count(names) - 1

value(index, names, _) := {} if index < count(names) - 1

running := {"resources": [{"address": "terraform_data.this", "provisioners": [{"type": "local-exec"}]}]}

test_allow_modules_of_this_repository if {
	every source in ["../function", "./part"] {
		count(rule.deny) == 0 with input as configuration({"module_calls": {"x": {"source": source, "module": {}}}})
	}
}

test_deny_provisioner if {
	fixture.messages(rule.deny) == {"provisioner local-exec"} with input as configuration(running)
}

test_deny_provisioner_in_each_depth if {
	every names in [["a"], ["a", "b"], ["a", "b", "c"]] {
		fixture.messages(rule.deny) == {"provisioner local-exec"} with input as nested(names, running)
	}
}

test_deny_what_lies_deeper if {
	planned := nested(["a", "b", "c", "d"], running)
	fixture.messages(rule.deny) == {"modules are nested more than three deep"} with input as planned
}

test_deny_actions if {
	plan := object.union(fixture.document([]), {"action_invocations": [{"type": "aws_lambda_invoke"}]})
	fixture.messages(rule.deny) == {"the plan invokes actions"} with input as plan
}

test_deny_modules_from_elsewhere if {
	every source in ["terraform-aws-modules/s3-bucket/aws", "git::https://example.com/x.git", "/tmp/x"] {
		plan := configuration({"module_calls": {"x": {"source": source, "module": {}}}})
		fixture.messages(rule.deny) == {sprintf("source %s is not of this repository", [source])} with input as plan
	}
}
