package plan.s3.truststore_versioning_test

import data.plan.s3.truststore_versioning as check

name := "example-dev-truststore-222222222222"

resource(type, after, after_unknown) := {
	"address": sprintf("%s.this", [type]),
	"mode": "managed",
	"type": type,
	"name": "this",
	"change": {"actions": ["create"], "after": after, "after_unknown": after_unknown},
}

bucket := resource("aws_s3_bucket", {"bucket": name}, {"id": true})

versioning(status) := resource(
	"aws_s3_bucket_versioning",
	{"bucket": name, "versioning_configuration": [{"status": status}]},
	{},
)

configuration := {"root_module": {"resources": [{
	"type": "aws_s3_bucket_versioning",
	"name": "this",
	"expressions": {"bucket": {"references": ["aws_s3_bucket.this.id", "aws_s3_bucket.this"]}},
}]}}

test_allow_versioned if {
	plan := {"resource_changes": [bucket, versioning("Enabled")]}
	count(check.deny) == 0 with input as plan
	count(check.undecided) == 0 with input as plan
}

test_allow_versioned_when_both_are_new if {
	new := resource(
		"aws_s3_bucket_versioning",
		{"versioning_configuration": [{"status": "Enabled"}]},
		{"bucket": true},
	)
	plan := {"resource_changes": [bucket, new], "configuration": configuration}
	count(check.deny) == 0 with input as plan
	count(check.undecided) == 0 with input as plan
}

test_allow_another_bucket if {
	other := resource("aws_s3_bucket", {"bucket": "example-logs"}, {})
	count(check.deny) == 0 with input as {"resource_changes": [other]}
}

test_deny_without_versioning if {
	count(check.deny) == 1 with input as {"resource_changes": [bucket]}
}

test_deny_suspended if {
	count(check.deny) == 1 with input as {"resource_changes": [bucket, versioning("Suspended")]}
}

test_deny_versioning_of_another_bucket if {
	other := resource(
		"aws_s3_bucket_versioning",
		{"bucket": "example-logs", "versioning_configuration": [{"status": "Enabled"}]},
		{},
	)
	count(check.deny) == 1 with input as {"resource_changes": [bucket, other]}
}

test_deny_versioning_in_another_module if {
	elsewhere := object.union(versioning("Enabled"), {"module_address": "module.other"})
	count(check.deny) == 1 with input as {"resource_changes": [bucket, elsewhere]}
}

test_undecided_unknown_status if {
	unknown := resource(
		"aws_s3_bucket_versioning",
		{"bucket": name, "versioning_configuration": [{}]},
		{"versioning_configuration": [{"status": true}]},
	)
	plan := {"resource_changes": [bucket, unknown]}
	count(check.undecided) == 1 with input as plan
	count(check.deny) == 0 with input as plan
}

test_undecided_unknown_name if {
	unknown := resource("aws_s3_bucket", {}, {"bucket": true})
	count(check.undecided) == 1 with input as {"resource_changes": [unknown]}
}
