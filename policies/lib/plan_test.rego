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

test_unknown_part_of_a_value if {
	plan.unknown(resource({}, {"ranges": [false, true]}), ["ranges"])
	plan.unknown(resource({}, {"block": [{"deep": {"x": true}}]}), ["block"])
	not plan.unknown(resource({}, {"ranges": [false, false]}), ["ranges"])
}

test_known_value if {
	plan.known(resource({"x": 1}, {}), ["x"]) == 1
	plan.known(resource({}, {}), ["x"]) == null
	not plan.known(resource({}, {"x": true}), ["x"])
}

configured := {"configuration": {"root_module": {
	"resources": [{"address": "aws_thing.this", "expressions": {"x": {"references": ["aws_other.this.arn"]}}}],
	"module_calls": {"inner": {"module": {"resources": [{
		"address": "aws_thing.this",
		"expressions": {"y": {"references": ["each.value"]}},
		"for_each_expression": {"references": ["aws_other.all"]},
	}]}}},
}}}

inner(address) := object.union(resource({}, {"y": true}), {"name": "this", "module_address": address})

test_configuration_of_a_resource if {
	root := object.union(resource({}, {}), {"name": "this"})
	plan.configured(root, "x") with input as configured
	not plan.configured(root, "y") with input as configured
	plan.refers(root, "x", "aws_other") with input as configured
	not plan.refers(root, "x", "aws_another") with input as configured
}

test_configuration_of_a_resource_in_a_called_module if {
	every address in ["module.inner", "module.inner[0]", `module.inner["a.b[0]\"c"]`] {
		plan.configured(inner(address), "y") with input as configured
		plan.refers(inner(address), "y", "aws_other") with input as configured
		not plan.configured(inner(address), "x") with input as configured
	}
}

test_names_by_value_or_reference if {
	bucket := object.union(resource({"bucket": "a"}, {}), {"type": "aws_other", "name": "this"})
	by_value := object.union(resource({"x": "a"}, {}), {"name": "this"})
	plan.names(by_value, "x", bucket, "bucket")
	by_reference := object.union(resource({}, {"x": true}), {"name": "this"})
	references := {"configuration": {"root_module": {"resources": [{
		"address": "aws_thing.this",
		"expressions": {"x": {"references": ["aws_other.this.id", "aws_other.this"]}},
	}]}}}
	plan.names(by_reference, "x", bucket, "bucket") with input as references
	not plan.names(by_reference, "x", object.union(bucket, {"name": "that"}), "bucket") with input as references
}

test_names_of_each_are_apart if {
	bucket := object.union(resource({"bucket": "a"}, {}), {"index": "one"})
	setting := resource({"x": "a"}, {})
	plan.names(object.union(setting, {"index": "one"}), "x", bucket, "bucket")
	plan.names(setting, "x", bucket, "bucket")
	not plan.names(object.union(setting, {"index": "two"}), "x", bucket, "bucket")
}
