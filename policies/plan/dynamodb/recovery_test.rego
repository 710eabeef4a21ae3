package plan.dynamodb.recovery_test

import data.lib.fixture_test as fixture
import data.plan.dynamodb.recovery as rule

table(after, after_unknown) := fixture.document([fixture.resource("aws_dynamodb_table", after, after_unknown)])

safe := {
	"deletion_protection_enabled": true,
	"point_in_time_recovery": [{"enabled": true}],
	"server_side_encryption": [{"enabled": true}],
}

test_allow_safe if {
	plan := table(safe, {"arn": true, "server_side_encryption": [{"kms_key_arn": true}]})
	count(rule.deny) == 0 with input as plan
	count(rule.undecided) == 0 with input as plan
}

test_deny_each_setting if {
	every name in object.keys(safe) {
		count(rule.deny) == 1 with input as table(object.remove(safe, [name]), {})
	}
	off := object.union(safe, {"point_in_time_recovery": [{"enabled": false}]})
	fixture.messages(rule.deny) == {"there is no point-in-time recovery"} with input as table(off, {})
}

test_undecided_at_each_prefix if {
	every after_unknown in [
		{"point_in_time_recovery": [{"enabled": true}]},
		{"point_in_time_recovery": [true]},
		{"point_in_time_recovery": true},
	] {
		plan := table(object.remove(safe, ["point_in_time_recovery"]), after_unknown)
		fixture.messages(rule.undecided) == {"whether there is point-in-time recovery is unknown"} with input as plan
		count(rule.deny) == 0 with input as plan
	}
}

test_undecided_unknown_resource if {
	count(rule.undecided) == 3 with input as table({}, true)
}
