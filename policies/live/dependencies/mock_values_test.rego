package live.dependencies.mock_values_test

import data.lib.example_test as example
import data.live.dependencies.mock_values

mocks(outputs) := object.union(example.whole, {"units": [unit]}) if {
	dependency := object.union(object.remove(example.dependency, {"mock_outputs"}), {"mock_outputs": outputs})
	unit := object.union(example.unit, {"dependencies": [dependency]})
}

test_allow_marked_values if {
	count(mock_values.deny) == 0 with input as example.whole
	lambda := "arn:aws:lambda:eu-west-1:000000000000:function:mock-x"
	count(mock_values.deny) == 0 with input as mocks({
		"names": ["mock-a", "mock-b"],
		"clients": {"default": "mock0000000000000000000000"},
		"invoke_arn": sprintf("arn:aws:apigateway:eu-west-1:lambda:path/functions/%s/invocations", [lambda]),
	})
}

test_allow_without_mocks if count(mock_values.deny) == 0 with input as mocks(null)

test_deny_value_without_a_mark if {
	every value in ["registry", "", 3, true, null, "hammock", "arn:aws:s3:::x"] {
		count(mock_values.deny) == 1 with input as mocks({"outputs": {"list": [value]}})
	}
}

test_deny_value_that_is_an_expression if count(mock_values.deny) == 1 with input as mocks({"name": "mock-${local.x}"})

test_deny_mocks_that_are_an_expression if count(mock_values.deny) == 1 with input as mocks("${local.mocks}")

test_deny_arn_of_another_shape if {
	count(mock_values.deny) == 1 with input as mocks({"role_arn": "mock-role"})
	count(mock_values.deny) == 1 with input as mocks({"role_arn": ["arn:aws:iam::000000000000:role/mock-role"]})
}

test_finding_names_the_value if {
	some finding in mock_values.deny with input as mocks({"outputs": {"list": ["x"]}})
	finding.message == "the mock outputs.list.0 of registry carries no mark"
}
