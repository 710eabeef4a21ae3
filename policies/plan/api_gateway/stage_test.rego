package plan.api_gateway.stage_test

import data.lib.fixture_test as fixture
import data.plan.api_gateway.stage as rule

stage(after, after_unknown) := fixture.document([fixture.resource("aws_apigatewayv2_stage", after, after_unknown)])

complete := {
	"access_log_settings": [{"format": "{}"}],
	"default_route_settings": [{"throttling_burst_limit": 1000, "throttling_rate_limit": 500}],
}

test_allow_limits_and_log if {
	plan := stage(complete, {"access_log_settings": [{"destination_arn": true}]})
	count(rule.warn) == 0 with input as plan
	count(rule.undecided) == 0 with input as plan
}

test_warn_of_what_is_missing if {
	count(rule.warn) == 3 with input as stage({}, {})
	limits := [{"throttling_burst_limit": 0, "throttling_rate_limit": 1}]
	unlimited := object.union(complete, {"default_route_settings": limits})
	fixture.messages(rule.warn) == {"there is no burst limit"} with input as stage(unlimited, {})
}

test_undecided_at_each_prefix if {
	every after_unknown in [
		{"default_route_settings": [{"throttling_rate_limit": true}]},
		{"default_route_settings": [true]},
		{"default_route_settings": true},
		true,
	] {
		"the rate limit is unknown" in fixture.messages(rule.undecided) with input as stage(complete, after_unknown)
	}
}
