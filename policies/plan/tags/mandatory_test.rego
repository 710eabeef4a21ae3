package plan.tags.mandatory_test

import data.lib.fixture_test as fixture
import data.plan.tags.mandatory as rule

tags := {
	"account": "non-prod",
	"environment": "dev",
	"managed-by": "terragrunt",
	"organisation": "example",
	"repository": "example-org/aws-api-gateway-mtls",
	"unit": "non-prod/eu-west-1/dev/thing",
}

tagged(values, after_unknown) := fixture.document([fixture.resource(
	"aws_sns_topic", {"tags_all": values},
	after_unknown,
)])

test_allow_the_units_tags if {
	plan := tagged(object.union(tags, {"Name": "more"}), {"tags_all": {}})
	count(rule.deny) == 0 with input as plan
	count(rule.undecided) == 0 with input as plan
}

test_allow_what_takes_no_tags if {
	plan := fixture.document([fixture.resource("aws_iam_role_policy", {}, {})])
	count(rule.deny) == 0 with input as plan
	count(rule.undecided) == 0 with input as plan
}

test_deny_each_missing_tag if {
	every key in object.keys(tags) {
		count(rule.deny) == 1 with input as tagged(object.remove(tags, [key]), {})
	}
}

test_deny_no_tags_at_all if {
	count(rule.deny) == 6 with input as tagged(null, {})
}

test_deny_another_units_tag if {
	plan := tagged(object.union(tags, {"environment": "prod"}), {})
	fixture.messages(rule.deny) == {"tag environment is prod, not dev"} with input as plan
}

test_deny_no_repository if {
	plan := tagged(object.union(tags, {"repository": "somewhere"}), {})
	fixture.messages(rule.deny) == {"tag repository names no repository"} with input as plan
}

test_undecided_unknown_tag if {
	plan := tagged(object.remove(tags, ["unit"]), {"tags_all": {"unit": true}})
	fixture.messages(rule.undecided) == {"tag unit is unknown"} with input as plan
	count(rule.deny) == 0 with input as plan
}

test_undecided_unknown_tags if {
	plan := fixture.document([fixture.resource("aws_sns_topic", {}, {"tags_all": true})])
	count(rule.undecided) == 6 with input as plan
	count(rule.deny) == 0 with input as plan
}
