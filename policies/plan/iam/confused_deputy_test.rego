package plan.iam.confused_deputy_test

import data.lib.fixture_test as fixture
import data.plan.iam.confused_deputy as rule

trust(service, conditions) := fixture.document([fixture.policy("aws_iam_role", "assume_role_policy", {
	"Effect": "Allow",
	"Action": "sts:AssumeRole",
	"Principal": {"Service": service},
	"Condition": conditions,
})])

test_allow_one_account if {
	conditions := {"StringEquals": {"aws:SourceAccount": "222222222222"}}
	count(rule.warn) == 0 with input as trust("scheduler.amazonaws.com", conditions)
}

test_allow_lambda if {
	count(rule.warn) == 0 with input as trust("lambda.amazonaws.com", {})
}

test_warn_of_any_account if {
	planned := trust("scheduler.amazonaws.com", {})
	fixture.messages(rule.warn) == {"statement 1: scheduler.amazonaws.com may come for any account"} with input as planned
}

test_undecided_is_said_by_known_policy if {
	count(rule.warn) == 0 with input as fixture.unknown_policy("aws_iam_role", "assume_role_policy")
}
