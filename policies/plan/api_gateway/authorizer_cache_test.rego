package plan.api_gateway.authorizer_cache_test

import data.plan.api_gateway.authorizer_cache as check

authorizer(after, after_unknown) := {"resource_changes": [{
	"address": "aws_apigatewayv2_authorizer.this",
	"mode": "managed",
	"type": "aws_apigatewayv2_authorizer",
	"change": {
		"actions": ["create"],
		"after": object.union({"authorizer_type": "REQUEST"}, after),
		"after_unknown": after_unknown,
	},
}]}

test_allow_no_cache if {
	plan := authorizer({"authorizer_result_ttl_in_seconds": 0}, {"id": true})
	count(check.deny) == 0 with input as plan
	count(check.undecided) == 0 with input as plan
}

test_allow_jwt_authorizer if {
	plan := authorizer({"authorizer_type": "JWT"}, {})
	count(check.deny) == 0 with input as plan
	count(check.undecided) == 0 with input as plan
}

test_deny_cache if {
	count(check.deny) == 1 with input as authorizer({"authorizer_result_ttl_in_seconds": 1}, {})
}

test_deny_when_not_set if {
	count(check.deny) == 1 with input as authorizer({}, {})
}

test_undecided_left_to_aws if {
	plan := authorizer({}, {"authorizer_result_ttl_in_seconds": true})
	count(check.undecided) == 1 with input as plan
	count(check.deny) == 0 with input as plan
}
