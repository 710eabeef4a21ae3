package plan.exposure.front_door_test

import data.lib.fixture_test as fixture
import data.plan.exposure.front_door as rule

planned(type, after, after_unknown) := fixture.document([fixture.resource(type, after, after_unknown)])

test_allow_http_api if {
	plan := planned("aws_apigatewayv2_api", {"protocol_type": "HTTP"}, {})
	count(rule.deny) == 0 with input as plan
	count(rule.undecided) == 0 with input as plan
}

test_deny_other_doors if {
	every type in rule.doors {
		fixture.messages(rule.deny) == {sprintf("%s is another way in", [type])} with input as planned(type, {}, {})
	}
}

test_allow_closing_a_door if {
	count(rule.deny) == 0 with input as fixture.document([fixture.change("aws_lb", ["delete"], {})])
}

test_deny_websocket if {
	count(rule.deny) == 1 with input as planned("aws_apigatewayv2_api", {"protocol_type": "WEBSOCKET"}, {})
}

test_deny_public_address if {
	count(rule.deny) == 1 with input as planned("aws_instance", {"associate_public_ip_address": true}, {})
	count(rule.deny) == 0 with input as planned("aws_instance", {"associate_public_ip_address": false}, {})
}

test_undecided_unknown if {
	every type, name in {"aws_apigatewayv2_api": "protocol_type", "aws_instance": "associate_public_ip_address"} {
		every after_unknown in [{name: true}, true] {
			made := planned(type, {}, after_unknown)
			fixture.messages(rule.undecided) == {sprintf("%s is unknown", [name])} with input as made
		}
	}
}
