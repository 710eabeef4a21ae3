package plan.api_gateway.tls_floor_test

import data.lib.fixture_test as fixture
import data.plan.api_gateway.tls_floor as rule

domain(after, after_unknown) := fixture.document([fixture.resource(
	"aws_apigatewayv2_domain_name", after,
	after_unknown,
)])

settings(security_policy) := {"domain_name_configuration": [{"security_policy": security_policy}]}

test_allow_tls_1_2 if {
	plan := domain(settings("TLS_1_2"), {"id": true})
	count(rule.deny) == 0 with input as plan
	count(rule.undecided) == 0 with input as plan
}

test_deny_older if {
	count(rule.deny) == 1 with input as domain(settings("TLS_1_0"), {})
}

test_deny_when_not_set if {
	count(rule.deny) == 1 with input as domain({}, {})
}

test_undecided_at_each_prefix if {
	every after_unknown in [
		{"domain_name_configuration": [{"security_policy": true}]},
		{"domain_name_configuration": [true]},
		{"domain_name_configuration": true},
		true,
	] {
		plan := domain({}, after_unknown)
		count(rule.undecided) == 1 with input as plan
		count(rule.deny) == 0 with input as plan
	}
}
