package plan.account.provider_test

import data.lib.fixture_test as fixture
import data.plan.account.provider as rule

constant(value) := {"constant_value": value}

aws := {
	"allowed_account_ids": constant(["222222222222"]),
	"region": constant("eu-west-1"),
	"assume_role": [{"role_arn": constant("arn:aws:iam::222222222222:role/example-plan")}],
}

configured(config) := object.union(
	fixture.document([fixture.resource("aws_thing", {}, {})]),
	{"configuration": {"provider_config": config}},
)

root(expressions) := configured({"aws": {"name": "aws", "expressions": expressions}})

test_allow_the_units_account if {
	count(rule.deny) == 0 with input as root(aws)
}

test_allow_module_that_asks_for_a_provider if {
	plan := configured({
		"aws": {"name": "aws", "expressions": aws},
		"module.function:aws": {"name": "aws", "version_constraint": ">= 5.0.0"},
		"random": {"name": "random", "expressions": {}},
	})
	count(rule.deny) == 0 with input as plan
}

test_allow_plan_of_nothing if {
	count(rule.deny) == 0 with input as fixture.document([])
}

test_deny_without_provider if {
	fixture.messages(rule.deny) == {
		"allowed_account_ids is not the unit's account",
		"the region is not eu-west-1",
	} with input as configured({"aws": {"name": "aws"}})
}

test_deny_another_account if {
	every ids in [constant(["111111111111"]), constant(["222222222222", "111111111111"]), {"references": ["var.id"]}] {
		plan := root(object.union(object.remove(aws, ["allowed_account_ids"]), {"allowed_account_ids": ids}))
		fixture.messages(rule.deny) == {"allowed_account_ids is not the unit's account"} with input as plan
	}
}

test_deny_another_region if {
	plan := root(object.union(aws, {"region": constant("us-east-1")}))
	fixture.messages(rule.deny) == {"the region is not eu-west-1"} with input as plan
}

test_deny_role_of_another_account if {
	foreign := [{"role_arn": constant("arn:aws:iam::111111111111:role/example-plan")}]
	every block in ["assume_role", "assume_role_with_web_identity"] {
		plan := root(object.union(aws, {block: foreign}))
		message := "arn:aws:iam::111111111111:role/example-plan is a role of another account"
		fixture.messages(rule.deny) == {message} with input as plan
	}
	unclear := [{"role_arn": {"references": ["var.role"]}}]
	planned := root(object.union(aws, {"assume_role": unclear}))
	fixture.messages(rule.deny) == {"unknown is a role of another account"} with input as planned
}

test_deny_endpoints if {
	plan := root(object.union(aws, {"endpoints": [{"s3": constant("https://example.com")}]}))
	fixture.messages(rule.deny) == {"endpoints are set in the code"} with input as plan
}

test_deny_provider_of_a_module if {
	plan := configured({
		"aws": {"name": "aws", "expressions": aws},
		"module.function:aws": {"name": "aws", "expressions": {"region": constant("eu-west-1")}},
	})
	fixture.addresses(rule.deny) == {"provider.module.function:aws"} with input as plan
}
