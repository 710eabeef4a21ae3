package plan.mock.sentinel_test

import data.lib.fixture_test as fixture
import data.plan.mock.sentinel as rule

thing(value) := fixture.document([fixture.resource("aws_thing", {"value": value}, {})])

test_allow_real_values if {
	every value in [
		"arn:aws:dynamodb:eu-west-1:222222222222:table/example-dev-registry",
		"sha256:9000000000000aa",
		"hammock",
		1000000000000,
	] {
		count(rule.deny) == 0 with input as thing(value)
	}
}

test_deny_mocks if {
	every value in [
		"arn:aws:dynamodb:eu-west-1:000000000000:table/registry",
		"s3://mock-truststore-000000000000/truststore.pem",
		"mock-registry",
		"Z000000000000MOCK",
		"https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_mock00000",
		"mock0000000000000000000000",
		"d-mock000000.execute-api.eu-west-1.amazonaws.com",
		"api.mock.example.com",
	] {
		fixture.messages(rule.deny) == {sprintf("%s is a mock", [value])} with input as thing(value)
	}
}

test_deny_mocks_within_a_policy if {
	count(rule.deny) == 1 with input as thing(json.marshal({"Resource": "arn:aws:sns:eu-west-1:000000000000:x"}))
}

test_deny_mocks_in_inputs_and_outputs if {
	named := {
		"variables": {"table": {"value": "mock-registry"}},
		"output_changes": {"table": {"after": "mock-registry"}},
	}
	planned := object.union(fixture.document([]), named)
	fixture.addresses(rule.deny) == {"output.table", "var.table"} with input as planned
}

test_deny_is_never_waived if {
	some finding in rule.deny with input as thing("mock-registry")
	finding.waivable == false
}

test_allow_unknown_output if {
	unknown := {"output_changes": {"arn": {"after_unknown": true}}}
	count(rule.deny) == 0 with input as object.union(fixture.document([]), unknown)
}
