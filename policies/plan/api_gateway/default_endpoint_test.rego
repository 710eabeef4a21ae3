package plan.api_gateway.default_endpoint_test

import data.plan.api_gateway.default_endpoint as check

api(after, after_unknown) := {"resource_changes": [{
	"address": "aws_apigatewayv2_api.this",
	"mode": "managed",
	"type": "aws_apigatewayv2_api",
	"change": {"actions": ["update"], "after": after, "after_unknown": after_unknown},
}]}

test_allow_disabled if {
	plan := api({"disable_execute_api_endpoint": true}, {"id": true})
	count(check.deny) == 0 with input as plan
	count(check.undecided) == 0 with input as plan
}

test_deny_enabled if {
	count(check.deny) == 1 with input as api({"disable_execute_api_endpoint": false}, {})
}

test_deny_when_not_set if {
	count(check.deny) == 1 with input as api({"disable_execute_api_endpoint": null}, {})
	count(check.deny) == 1 with input as api({}, {})
}

test_undecided_unknown if {
	plan := api({}, {"disable_execute_api_endpoint": true})
	count(check.undecided) == 1 with input as plan
	count(check.deny) == 0 with input as plan
}
