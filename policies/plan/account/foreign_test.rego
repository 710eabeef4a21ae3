package plan.account.foreign_test

import data.lib.fixture_test as fixture
import data.plan.account.foreign as rule

thing(value) := fixture.document([fixture.resource("aws_thing", {"value": value}, {})])

test_allow_own_accounts if {
	every id in fixture.dev.accounts {
		count(rule.deny) == 0 with input as thing(sprintf("arn:aws:iam::%s:role/example", [id]))
	}
}

test_deny_foreign_account if {
	message := "arn:aws:iam::999999999999:role/x is of account 999999999999, which is not the organisation's"
	fixture.messages(rule.deny) == {message} with input as thing("arn:aws:iam::999999999999:role/x")
}

test_deny_foreign_principal if {
	plan := fixture.document([fixture.policy("aws_kms_key", "policy", {
		"Effect": "Allow",
		"Principal": {"AWS": "999999999999"},
		"Action": "kms:Decrypt",
		"Resource": "*",
	})])
	count(rule.deny) == 1 with input as plan
}

test_deny_foreign_account_in_inputs if {
	named := {"variables": {"callers": {"value": ["arn:aws:iam::999999999999:root"]}}}
	fixture.addresses(rule.deny) == {"var.callers"} with input as object.union(fixture.document([]), named)
}

test_undecided_is_said_by_known_policy if {
	count(rule.deny) == 0 with input as fixture.unknown_policy("aws_kms_key", "policy")
}
