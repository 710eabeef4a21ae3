package gate_test

import data.gate

domain := {
	"address": "aws_apigatewayv2_domain_name.this",
	"mode": "managed",
	"type": "aws_apigatewayv2_domain_name",
	"change": {"actions": ["create"], "after": {}, "after_unknown": {}},
}

api := {
	"address": "aws_apigatewayv2_api.this",
	"mode": "managed",
	"type": "aws_apigatewayv2_api",
	"change": {"actions": ["create"], "after": {}, "after_unknown": {"disable_execute_api_endpoint": true}},
}

plan(changes) := {"format_version": "1.2", "errored": false, "resource_changes": changes}

ids(findings) := {finding.id | some finding in findings}

test_deny_what_a_check_denies if {
	ids(gate.deny) == {"APIGW-001"} with input as plan([domain, api])
}

test_undecided_what_a_check_cannot_decide if {
	ids(gate.undecided) == {"APIGW-002"} with input as plan([domain, api])
}

test_allow_plan_without_changes if {
	count(gate.deny) == 0 with input as plan([])
	count(gate.undecided) == 0 with input as plan([])
}

test_deny_what_is_no_plan if {
	ids(gate.deny) == {"GATE-001"} with input as {}
	ids(gate.deny) == {"GATE-001"} with input as {"format_version": "2.0"}
}

test_deny_failed_plan if {
	failed := object.union(plan([]), {"errored": true})
	ids(gate.deny) == {"GATE-001"} with input as failed
}
