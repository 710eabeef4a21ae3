package plan.cloudtrail.completeness_test

import data.lib.fixture_test as fixture
import data.plan.cloudtrail.completeness as rule

trail(after, after_unknown) := fixture.document([fixture.resource("aws_cloudtrail", after, after_unknown)])

complete := {
	"enable_log_file_validation": true,
	"enable_logging": true,
	"is_multi_region_trail": true,
	"event_selector": [{"read_write_type": "All", "include_management_events": true}],
}

test_allow_complete if {
	count(rule.deny) == 0 with input as trail(complete, {"arn": true})
	count(rule.undecided) == 0 with input as trail(complete, {"arn": true})
}

test_deny_each_gap if {
	every name in ["enable_log_file_validation", "enable_logging", "is_multi_region_trail"] {
		plan := trail(object.union(complete, {name: false}), {})
		fixture.messages(rule.deny) == {sprintf("%s is not true", [name])} with input as plan
	}
}

test_deny_writes_alone if {
	selector := [{"read_write_type": "WriteOnly", "include_management_events": true}]
	plan := trail(object.union(complete, {"event_selector": selector}), {})
	fixture.messages(rule.deny) == {"read_write_type is not All"} with input as plan
}

test_undecided_at_each_prefix if {
	every after_unknown in [
		{"event_selector": [{"read_write_type": true}]},
		{"event_selector": [true]},
		{"event_selector": true},
		true,
	] {
		"read_write_type is unknown" in fixture.messages(rule.undecided) with input as trail({}, after_unknown)
	}
}
