package plan.lambda.callers_test

import data.lib.fixture_test as fixture
import data.plan.lambda.callers as rule

permission(after, after_unknown) := fixture.document([fixture.resource("aws_lambda_permission", after, after_unknown)])

api := {
	"action": "lambda:InvokeFunction",
	"principal": "apigateway.amazonaws.com",
	"source_arn": "arn:aws:execute-api:eu-west-1:222222222222:abc/*/*",
}

configuration(references) := fixture.configuration([{
	"address": "aws_lambda_permission.this",
	"expressions": {"source_arn": {"references": references}},
}])

test_allow_one_api if {
	count(rule.deny) == 0 with input as permission(api, {})
	count(rule.undecided) == 0 with input as permission(api, {})
}

test_allow_new_api if {
	new := permission(object.remove(api, ["source_arn"]), {"source_arn": true})
	plan := object.union(new, configuration(["aws_apigatewayv2_api.this.execution_arn", "aws_apigatewayv2_api.this"]))
	count(rule.deny) == 0 with input as plan
	count(rule.undecided) == 0 with input as plan
}

test_deny_everybody if {
	plan := permission(object.union(api, {"principal": "*"}), {})
	fixture.messages(rule.deny) == {"* is no service"} with input as plan
}

test_deny_an_account if {
	count(rule.deny) == 1 with input as permission(object.union(api, {"principal": "111111111111"}), {})
}

test_deny_any_source if {
	every source in [null, "", "*"] {
		plan := permission(object.union(api, {"source_arn": source}), {})
		fixture.messages(rule.deny) == {"source_arn is not set"} with input as plan
	}
}

test_deny_another_action if {
	plan := permission(object.union(api, {"action": "lambda:*"}), {})
	fixture.messages(rule.deny) == {"lambda:* is allowed"} with input as plan
}

test_deny_url if {
	plan := fixture.document([fixture.resource("aws_lambda_function_url", {"authorization_type": "AWS_IAM"}, {})])
	count(rule.deny) == 1 with input as plan
}

test_undecided_unknown if {
	every name in ["action", "principal", "source_arn"] {
		plan := permission(object.remove(api, [name]), {name: true})
		fixture.messages(rule.undecided) == {sprintf("%s is unknown", [name])} with input as plan
		count(rule.deny) == 0 with input as plan
	}
}

test_undecided_unknown_resource if {
	count(rule.undecided) == 3 with input as permission({}, true)
}

test_undecided_unknown_variable if {
	new := permission(object.remove(api, ["source_arn"]), {"source_arn": true})
	count(rule.undecided) == 1 with input as object.union(new, configuration(["var.source_arn"]))
}
