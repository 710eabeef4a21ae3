package gate.plan_test

import data.gate.plan as gate

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

unit := {
	"path": "non-prod/eu-west-1/dev/http-api-mtls",
	"account": "non-prod",
	"account_id": "222222222222",
	"region": "eu-west-1",
	"environment": "dev",
	"name": "http-api-mtls",
	"module": "http-api-mtls",
	"version": "local",
	"last_environment": false,
	"promotion": ["dev", "stage", "prod"],
	"organization": "example",
	"accounts": {"security": "111111111111", "non-prod": "222222222222", "prod": "333333333333"},
	"mode": "review",
	"destroy": false,
}

document(changes) := {
	"format_version": "1.2",
	"errored": false,
	"complete": true,
	"resource_changes": changes,
	"unit": unit,
}

ids(findings) := {finding.id | some finding in findings}

test_deny_what_a_rule_denies if {
	"APIGW-001" in ids(gate.result.deny) with input as document([domain, api])
}

test_undecided_what_a_rule_cannot_decide if {
	"APIGW-002" in ids(gate.result.undecided) with input as document([domain, api])
}

test_allow_plan_without_changes if {
	gate.result == {"deny": set(), "warn": set(), "undecided": set()} with input as document([])
}

test_warn_of_what_a_rule_warns_of if {
	gone := {
		"address": "aws_lambda_function.this",
		"mode": "managed",
		"type": "aws_lambda_function",
		"change": {"actions": ["delete"], "before": {}, "after": null, "after_unknown": {}},
	}
	ids(gate.result.warn) == {"CHANGE-003"} with input as document([gone])
}

test_deny_what_is_no_plan if {
	ids(gate.result.deny) == {"GATE-001"} with input as {}
	ids(gate.result.deny) == {"GATE-001"} with input as {"format_version": "2.0"}
}

test_deny_failed_plan if {
	failed := object.union(document([]), {"errored": true})
	ids(gate.result.deny) == {"GATE-001"} with input as failed
}

test_deny_incomplete_plan if {
	incomplete := object.union(document([]), {"complete": false})
	ids(gate.result.deny) == {"GATE-001"} with input as incomplete
}

test_deny_plan_of_no_unit if {
	homeless := object.remove(document([]), ["unit"])
	ids(gate.result.deny) == {"GATE-002"} with input as homeless
}

test_deny_unit_that_says_too_little if {
	document_without := object.union(object.remove(document([]), ["unit"]), {"unit": object.remove(unit, ["account_id"])})
	some finding in gate.result.deny with input as document_without
	finding.id == "GATE-002"
	finding.message == "unit.account_id is missing, or is no string"
	not finding.waivable
}

test_finding_has_what_people_need if {
	some finding in gate.result.deny with input as document([domain])
	finding.id == "APIGW-001"
	object.keys(finding) == {"id", "severity", "title", "address", "message", "remedy", "link", "waivable"}
	startswith(finding.link, "https://")
	finding.waivable == false
}
