package plan.supply.providers_test

import data.lib.fixture_test as fixture
import data.plan.supply.providers as rule

configured(name) := object.union(
	fixture.document([]),
	{"configuration": {"provider_config": {"x": {"name": "x", "full_name": name}}}},
)

made_by(name) := fixture.document([object.union(fixture.resource("x", {}, {}), {"provider_name": name})])

test_allow_aws if {
	every name in rule.allowed {
		count(rule.deny) == 0 with input as configured(name)
		count(rule.deny) == 0 with input as made_by(name)
	}
}

test_deny_others if {
	every name in [
		"registry.terraform.io/hashicorp/external",
		"registry.terraform.io/evil/aws",
		"terraform.io/builtin/terraform",
	] {
		fixture.messages(rule.deny) == {sprintf("%s is not allowed", [name])} with input as configured(name)
		fixture.messages(rule.deny) == {sprintf("%s is not allowed", [name])} with input as made_by(name)
	}
}
