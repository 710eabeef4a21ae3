package plan.s3.force_destroy_test

import data.lib.fixture_test as fixture
import data.plan.s3.force_destroy as rule

bucket(after, after_unknown) := fixture.document([fixture.resource("aws_s3_bucket", after, after_unknown)])

test_allow_false if {
	plan := bucket({"force_destroy": false}, {"id": true})
	count(rule.deny) == 0 with input as plan
	count(rule.undecided) == 0 with input as plan
}

test_deny_true if {
	count(rule.deny) == 1 with input as bucket({"force_destroy": true}, {})
}

test_undecided_unknown if {
	count(rule.undecided) == 1 with input as bucket({}, {"force_destroy": true})
	count(rule.undecided) == 1 with input as bucket({}, true)
	count(rule.deny) == 0 with input as bucket({}, {"force_destroy": true})
}
