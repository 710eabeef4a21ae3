package plan.kms.own_policy_test

import data.lib.fixture_test as fixture
import data.plan.kms.own_policy as rule

key(after, after_unknown) := fixture.document([fixture.resource("aws_kms_key", after, after_unknown)])

test_allow_policy if {
	plan := key({"policy": "{}", "bypass_policy_lockout_safety_check": false}, {"arn": true})
	count(rule.deny) == 0 with input as plan
	count(rule.undecided) == 0 with input as plan
}

test_allow_policy_that_is_unknown_and_configured if {
	count(rule.deny) == 0 with input as fixture.unknown_policy("aws_kms_key", "policy")
}

test_deny_no_policy if {
	count(rule.deny) == 1 with input as key({}, {"policy": true})
	count(rule.deny) == 1 with input as key({"policy": ""}, {})
}

test_deny_locking_everybody_out if {
	count(rule.deny) == 1 with input as key({"policy": "{}", "bypass_policy_lockout_safety_check": true}, {})
}

test_undecided_unknown_check if {
	unknown := {"bypass_policy_lockout_safety_check": true}
	count(rule.undecided) == 1 with input as key({"policy": "{}"}, unknown)
	count(rule.undecided) == 1 with input as key({}, true)
}
