package lib.plan_test

import data.lib.plan

resource(after, after_unknown) := {
	"address": "aws_thing.this",
	"mode": "managed",
	"type": "aws_thing",
	"change": {"actions": ["create"], "after": after, "after_unknown": after_unknown},
}

test_resources_that_stay_are_seen if {
	created := resource({}, {})
	kept := object.union(created, {"change": {"actions": ["no-op"]}})
	count(plan.resources("aws_thing")) == 2 with input.resource_changes as [created, kept]
}

test_resources_that_go_are_not_seen if {
	plan.resources("aws_thing") == [] with input.resource_changes as [resource(null, {})]
}

test_data_sources_are_not_seen if {
	data_source := object.union(resource({}, {}), {"mode": "data"})
	plan.resources("aws_thing") == [] with input.resource_changes as [data_source]
}

test_value_in_a_nested_block if {
	plan.value(resource({"block": [{"x": 1}]}, {}), ["block", 0, "x"]) == 1
}

test_value_that_is_missing_is_null if {
	plan.value(resource({"block": []}, {}), ["block", 0, "x"]) == null
	plan.value(resource({}, {}), ["x"]) == null
	plan.value(resource({"block": "text"}, {}), ["block", 0, "x"]) == null
}

test_unknown_value if {
	plan.unknown(resource({}, {"x": true}), ["x"])
}

test_unknown_value_in_a_nested_block if {
	plan.unknown(resource({"block": [{}]}, {"block": [{"x": true}]}), ["block", 0, "x"])
}

test_unknown_by_its_parent if {
	plan.unknown(resource({}, {"block": true}), ["block", 0, "x"])
	plan.unknown(resource({"block": [{}]}, {"block": [true]}), ["block", 0, "x"])
}

test_unknown_resource if {
	plan.unknown(resource({}, true), ["x"])
}

test_known_beside_an_unknown if {
	not plan.unknown(resource({"x": 1}, {"y": true, "block": [{"y": true}]}), ["x"])
	not plan.unknown(resource({"block": [{"x": 1}]}, {"block": [{"y": true}]}), ["block", 0, "x"])
}
