package plan.s3.encryption_test

import data.lib.fixture_test as fixture
import data.plan.s3.encryption as rule

bucket := fixture.resource("aws_s3_bucket", {"bucket": "example"}, {})

encryption(after_unknown, algorithm) := fixture.resource(
	rule.type,
	{"bucket": "example", "rule": [{"apply_server_side_encryption_by_default": [{"sse_algorithm": algorithm}]}]},
	after_unknown,
)

test_allow_encrypted if {
	every algorithm in ["AES256", "aws:kms"] {
		plan := fixture.document([bucket, encryption({}, algorithm)])
		count(rule.deny) == 0 with input as plan
		count(rule.undecided) == 0 with input as plan
	}
}

test_allow_unknown_key if {
	unknown_key := {"rule": [{"apply_server_side_encryption_by_default": [{"kms_master_key_id": true}]}]}
	plan := fixture.document([bucket, encryption(unknown_key, "aws:kms")])
	count(rule.deny) == 0 with input as plan
	count(rule.undecided) == 0 with input as plan
}

test_deny_without_configuration if {
	count(rule.deny) == 1 with input as fixture.document([bucket])
}

test_deny_another_algorithm if {
	count(rule.deny) == 1 with input as fixture.document([bucket, encryption({}, "none")])
}

test_undecided_at_each_prefix if {
	every after_unknown in [
		{"rule": [{"apply_server_side_encryption_by_default": [{"sse_algorithm": true}]}]},
		{"rule": [{"apply_server_side_encryption_by_default": [true]}]},
		{"rule": [{"apply_server_side_encryption_by_default": true}]},
		{"rule": [true]},
		{"rule": true},
	] {
		plan := fixture.document([bucket, encryption(after_unknown, null)])
		count(rule.undecided) == 1 with input as plan
		count(rule.deny) == 0 with input as plan
	}
}
