package plan.cognito.user_pool_test

import data.lib.fixture_test as fixture
import data.plan.cognito.user_pool as rule

pool(after, after_unknown) := fixture.document([fixture.resource("aws_cognito_user_pool", after, after_unknown)])

machines := {
	"deletion_protection": "ACTIVE",
	"admin_create_user_config": [{"allow_admin_create_user_only": true}],
}

test_allow_machines if {
	plan := pool(machines, {"arn": true})
	count(rule.deny) == 0 with input as plan
	count(rule.undecided) == 0 with input as plan
}

test_deny_no_protection if {
	plan := pool(object.union(machines, {"deletion_protection": "INACTIVE"}), {})
	fixture.messages(rule.deny) == {"deletion_protection is not ACTIVE"} with input as plan
}

test_deny_signing_up if {
	plan := pool(object.remove(machines, ["admin_create_user_config"]), {})
	fixture.messages(rule.deny) == {"allow_admin_create_user_only is not true"} with input as plan
}

test_undecided_at_each_prefix if {
	every after_unknown in [
		{"admin_create_user_config": [{"allow_admin_create_user_only": true}]},
		{"admin_create_user_config": [true]},
		{"admin_create_user_config": true},
	] {
		plan := pool(object.remove(machines, ["admin_create_user_config"]), after_unknown)
		fixture.messages(rule.undecided) == {"allow_admin_create_user_only is unknown"} with input as plan
		count(rule.deny) == 0 with input as plan
	}
}

test_undecided_unknown_resource if {
	count(rule.undecided) == 2 with input as pool({}, true)
}
