package plan.logs.retention_test

import data.lib.fixture_test as fixture
import data.plan.logs.retention as rule

group(after, after_unknown) := fixture.document([fixture.resource("aws_cloudwatch_log_group", after, after_unknown)])

test_allow_two_weeks if {
	plan := group({"retention_in_days": 14}, {"arn": true})
	count(rule.deny) == 0 with input as plan
	count(rule.undecided) == 0 with input as plan
}

test_deny_for_ever if {
	fixture.messages(rule.deny) == {"retention_in_days is 0"} with input as group({"retention_in_days": 0}, {})
	count(rule.deny) == 1 with input as group({"retention_in_days": null}, {})
}

test_deny_a_day if {
	count(rule.deny) == 1 with input as group({"retention_in_days": 1}, {})
}

test_undecided_unknown if {
	every after_unknown in [{"retention_in_days": true}, true] {
		count(rule.undecided) == 1 with input as group({}, after_unknown)
		count(rule.deny) == 0 with input as group({}, after_unknown)
	}
}
