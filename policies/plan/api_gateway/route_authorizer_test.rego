package plan.api_gateway.route_authorizer_test

import data.lib.fixture_test as fixture
import data.plan.api_gateway.route_authorizer as rule

route(after, after_unknown) := fixture.document([fixture.resource("aws_apigatewayv2_route", after, after_unknown)])

test_allow_authorizer if {
	plan := route({"route_key": "GET /whoami", "authorization_type": "CUSTOM"}, {"authorizer_id": true})
	count(rule.deny) == 0 with input as plan
	count(rule.undecided) == 0 with input as plan
}

test_allow_declared_open_route if {
	every key in rule.open_routes {
		plan := route({"route_key": key, "authorization_type": "NONE"}, {})
		count(rule.deny) == 0 with input as plan
	}
}

test_deny_route_without_authorizer if {
	every type in ["NONE", "JWT", "AWS_IAM", null] {
		plan := route({"route_key": "GET /whoami", "authorization_type": type}, {})
		fixture.messages(rule.deny) == {"GET /whoami has no authorizer"} with input as plan
	}
}

test_deny_default_route if {
	count(rule.deny) == 1 with input as route({"route_key": "$default", "authorization_type": "NONE"}, {})
}

test_undecided_unknown_type if {
	plan := route({"route_key": "GET /whoami"}, {"authorization_type": true})
	fixture.messages(rule.undecided) == {"authorization_type is unknown"} with input as plan
	count(rule.deny) == 0 with input as plan
}

test_undecided_unknown_route if {
	plan := route({"authorization_type": "NONE"}, {"route_key": true})
	fixture.messages(rule.undecided) == {"route_key is unknown"} with input as plan
	count(rule.deny) == 0 with input as plan
}

test_undecided_unknown_resource if {
	count(rule.undecided) == 2 with input as route({}, true)
}

test_allow_where_the_unknown_does_not_matter if {
	open := route({"route_key": "POST /token"}, {"authorization_type": true})
	count(rule.undecided) == 0 with input as open
	guarded := route({"authorization_type": "CUSTOM"}, {"route_key": true})
	count(rule.undecided) == 0 with input as guarded
}
