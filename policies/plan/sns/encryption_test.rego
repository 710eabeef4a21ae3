package plan.sns.encryption_test

import data.lib.fixture_test as fixture
import data.plan.sns.encryption as rule

topic(after, after_unknown) := fixture.document([fixture.resource("aws_sns_topic", after, after_unknown)])

test_allow_key if {
	count(rule.warn) == 0 with input as topic({"kms_master_key_id": "alias/example"}, {})
}

test_allow_new_key if {
	made := fixture.configuration([{
		"address": "aws_sns_topic.this",
		"expressions": {"kms_master_key_id": {"references": ["aws_kms_key.this.arn", "aws_kms_key.this"]}},
	}])
	plan := object.union(topic({}, {"kms_master_key_id": true}), made)
	count(rule.undecided) == 0 with input as plan
	count(rule.warn) == 0 with input as plan
}

test_warn_without_key if {
	count(rule.warn) == 1 with input as topic({"kms_master_key_id": null}, {})
}

test_undecided_unknown if {
	count(rule.undecided) == 1 with input as topic({}, {"kms_master_key_id": true})
	count(rule.undecided) == 1 with input as topic({}, true)
}
