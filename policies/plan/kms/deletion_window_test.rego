package plan.kms.deletion_window_test

import data.lib.fixture_test as fixture
import data.plan.kms.deletion_window as rule

key(after, after_unknown) := fixture.document([fixture.resource("aws_kms_key", after, after_unknown)])

test_allow_thirty_days if {
	every days in [30, null] {
		plan := key({"deletion_window_in_days": days}, {})
		count(rule.deny) == 0 with input as plan
		count(rule.undecided) == 0 with input as plan
	}
}

test_deny_fewer if {
	planned := key({"deletion_window_in_days": 7}, {})
	fixture.messages(rule.deny) == {"the key is deleted after 7 days"} with input as planned
}

test_undecided_unknown if {
	every after_unknown in [{"deletion_window_in_days": true}, true] {
		count(rule.undecided) == 1 with input as key({}, after_unknown)
		count(rule.deny) == 0 with input as key({}, after_unknown)
	}
}
