package plan.supply.data_sources_test

import data.lib.fixture_test as fixture
import data.plan.supply.data_sources as rule

source(type) := {"address": sprintf("data.%s.this", [type]), "mode": "data", "type": type, "name": "this"}

configured(type, expressions) := object.union(
	fixture.document([]),
	fixture.configuration([object.union(source(type), {"expressions": expressions})]),
)

test_allow_facts if {
	count(rule.deny) == 0 with input as configured("aws_region", {})
}

test_allow_parameter_without_decryption if {
	planned := configured("aws_ssm_parameter", {"with_decryption": {"constant_value": false}})
	count(rule.deny) == 0 with input as planned
}

test_deny_each if {
	every type in rule.forbidden {
		fixture.addresses(rule.deny) == {sprintf("data.%s.this", [type])} with input as configured(type, {})
	}
}

test_deny_in_a_called_module if {
	called := {"configuration": {"root_module": {"module_calls": {"x": {"module": {"resources": [source("http")]}}}}}}
	planned := object.union(fixture.document([]), called)
	fixture.addresses(rule.deny) == {"module.x.data.http.this"} with input as planned
}

test_deny_when_it_is_read_at_apply if {
	read := object.union(source("external"), {"change": {"actions": ["read"]}})
	count(rule.deny) == 1 with input as fixture.document([read])
}

test_deny_parameter_with_decryption if {
	every expressions in [
		{},
		{"with_decryption": {"constant_value": true}},
		{"with_decryption": {"references": ["var.x"]}},
	] {
		count(rule.deny) == 1 with input as configured("aws_ssm_parameter", expressions)
	}
}
