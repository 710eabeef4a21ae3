package plan.api_gateway.custom_domain_mtls_test

import data.plan.api_gateway.custom_domain_mtls as check

domain(after, after_unknown) := {"resource_changes": [{
	"address": "aws_apigatewayv2_domain_name.this",
	"mode": "managed",
	"type": "aws_apigatewayv2_domain_name",
	"change": {"actions": ["create"], "after": after, "after_unknown": after_unknown},
}]}

mtls(settings) := {"mutual_tls_authentication": [settings]}

messages(findings) := {finding.message | some finding in findings}

pinned := {"truststore_uri": "s3://bucket/truststore.pem", "truststore_version": "3sL4kqtJlcpXroDTDmJ"}

test_allow_pinned_truststore if {
	plan := domain(mtls(pinned), {})
	count(check.deny) == 0 with input as plan
	count(check.undecided) == 0 with input as plan
}

test_deny_without_mutual_tls if {
	missing := {"truststore_uri is not set", "truststore_version is not set"}
	messages(check.deny) == missing with input as domain({"mutual_tls_authentication": []}, {})
	messages(check.deny) == missing with input as domain({}, {})
}

test_deny_without_version if {
	plan := domain(mtls({"truststore_uri": "s3://bucket/truststore.pem", "truststore_version": null}), {})
	messages(check.deny) == {"truststore_version is not set"} with input as plan
}

test_deny_empty_version if {
	plan := domain(mtls(object.union(pinned, {"truststore_version": ""})), {})
	messages(check.deny) == {"truststore_version is not set"} with input as plan
}

test_undecided_unknown_version if {
	plan := domain(
		mtls({"truststore_uri": "s3://bucket/truststore.pem"}),
		mtls({"truststore_version": true}),
	)
	messages(check.undecided) == {"truststore_version is unknown"} with input as plan
	count(check.deny) == 0 with input as plan
}

test_undecided_unknown_block if {
	plan := domain({}, {"mutual_tls_authentication": true})
	both := {"truststore_uri is unknown", "truststore_version is unknown"}
	messages(check.undecided) == both with input as plan
	count(check.deny) == 0 with input as plan
}

test_finding_carries_the_check if {
	some finding in check.deny with input as domain({}, {})
	finding.id == "APIGW-001"
	finding.severity == "critical"
	finding.address == "aws_apigatewayv2_domain_name.this"
}
