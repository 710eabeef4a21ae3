package plan.s3.transport_test

import data.lib.fixture_test as fixture
import data.plan.s3.transport as rule

bucket := fixture.resource("aws_s3_bucket", {"bucket": "example"}, {})

policy(statement) := object.union(
	fixture.policy("aws_s3_bucket_policy", "policy", statement),
	{"change": {"after": {"bucket": "example"}}},
)

tls := {
	"Effect": "Deny",
	"Principal": "*",
	"Action": "s3:*",
	"Resource": "arn:aws:s3:::example/*",
	"Condition": {"Bool": {"aws:SecureTransport": "false"}},
}

test_allow_policy_that_denies if {
	plan := fixture.document([bucket, policy(tls)])
	count(rule.warn) == 0 with input as plan
	count(rule.undecided) == 0 with input as plan
}

test_warn_without_policy if {
	count(rule.warn) == 1 with input as fixture.document([bucket])
}

test_warn_of_a_policy_that_does_not_deny if {
	every change in [
		{"Effect": "Allow"},
		{"Action": "s3:GetObject"},
		{"Principal": {"AWS": "arn:aws:iam::222222222222:root"}},
		{"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
	] {
		plan := fixture.document([bucket, policy(object.union(object.remove(tls, object.keys(change)), change))])
		count(rule.warn) == 1 with input as plan
	}
}

test_undecided_unknown_policy if {
	unknown := fixture.resource("aws_s3_bucket_policy", {"bucket": "example"}, {"policy": true})
	plan := fixture.document([bucket, unknown])
	count(rule.undecided) == 1 with input as plan
	count(rule.warn) == 0 with input as plan
}
