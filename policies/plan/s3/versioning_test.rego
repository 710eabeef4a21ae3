package plan.s3.versioning_test

import data.lib.fixture_test as fixture
import data.plan.s3.versioning as rule

bucket := fixture.resource("aws_s3_bucket", {"bucket": "example-dev-truststore-222222222222"}, {"id": true})

versioning(after, after_unknown) := fixture.resource("aws_s3_bucket_versioning", after, after_unknown)

status(text) := {
	"bucket": "example-dev-truststore-222222222222",
	"versioning_configuration": [{"status": text}],
}

configuration := fixture.configuration([{
	"address": "aws_s3_bucket_versioning.this",
	"expressions": {"bucket": {"references": ["aws_s3_bucket.this.id", "aws_s3_bucket.this"]}},
}])

test_allow_versioned if {
	plan := fixture.document([bucket, versioning(status("Enabled"), {})])
	count(rule.deny) == 0 with input as plan
	count(rule.undecided) == 0 with input as plan
}

test_allow_versioned_when_both_are_new if {
	new := versioning({"versioning_configuration": [{"status": "Enabled"}]}, {"bucket": true})
	plan := object.union(fixture.document([bucket, new]), configuration)
	count(rule.deny) == 0 with input as plan
	count(rule.undecided) == 0 with input as plan
}

test_deny_without_versioning if {
	count(rule.deny) == 1 with input as fixture.document([bucket])
}

test_deny_suspended if {
	count(rule.deny) == 1 with input as fixture.document([bucket, versioning(status("Suspended"), {})])
}

test_deny_versioning_of_another_bucket if {
	other := versioning(object.union(status("Enabled"), {"bucket": "example-logs"}), {})
	count(rule.deny) == 1 with input as fixture.document([bucket, other])
}

test_deny_versioning_in_another_module if {
	elsewhere := object.union(versioning(status("Enabled"), {}), {"module_address": "module.other"})
	count(rule.deny) == 1 with input as fixture.document([bucket, elsewhere])
}

test_undecided_at_each_prefix if {
	every after_unknown in [
		{"versioning_configuration": [{"status": true}]},
		{"versioning_configuration": [true]},
		{"versioning_configuration": true},
	] {
		plan := fixture.document([bucket, versioning(object.remove(status(""), ["versioning_configuration"]), after_unknown)])
		count(rule.undecided) == 1 with input as plan
		count(rule.deny) == 0 with input as plan
	}
}

test_undecided_unknown_resource if {
	plan := object.union(fixture.document([bucket, versioning({}, true)]), configuration)
	count(rule.undecided) == 1 with input as plan
	count(rule.deny) == 0 with input as plan
}
