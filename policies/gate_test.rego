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

test_every_check_is_heard if {
	{finding.id | some finding in gate.deny} == {"APIGW-001"} with input.resource_changes as [domain, api]
	{finding.id | some finding in gate.undecided} == {"APIGW-002"} with input.resource_changes as [domain, api]
}

test_an_empty_plan_is_allowed if {
	count(gate.deny) == 0 with input.resource_changes as []
	count(gate.undecided) == 0 with input.resource_changes as []
}
