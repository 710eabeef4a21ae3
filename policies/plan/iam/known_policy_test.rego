package plan.iam.known_policy_test

import data.lib.fixture_test as fixture
import data.plan.iam.known_policy as rule

reading := {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::example/*"}

role(boundary) := fixture.resource("aws_iam_role", {"name": "example-dev-thing", "permissions_boundary": boundary}, {})

configuration := fixture.configuration([{
	"address": "aws_iam_role_policy.this",
	"expressions": {
		"policy": {"references": ["aws_thing.this.arn", "aws_thing.this"]},
		"role": {"references": ["aws_iam_role.this.id", "aws_iam_role.this"]},
	},
}])

inline(boundary) := object.union(
	fixture.document([
		role(boundary),
		fixture.resource("aws_iam_role_policy", {}, {"policy": true, "role": true}),
	]),
	configuration,
)

test_allow_known_policy if {
	plan := fixture.document([fixture.policy("aws_iam_policy", "policy", reading)])
	count(rule.deny) == 0 with input as plan
	count(rule.undecided) == 0 with input as plan
	count(rule.warn) == 0 with input as plan
}

test_deny_what_is_no_policy if {
	every text in ["not JSON", "[]"] {
		plan := fixture.document([fixture.resource("aws_iam_policy", {"policy": text}, {})])
		fixture.messages(rule.deny) == {"policy is no policy"} with input as plan
	}
}

test_undecided_unknown_policy if {
	plan := fixture.unknown_policy("aws_iam_policy", "policy")
	fixture.messages(rule.undecided) == {"policy is unknown"} with input as plan
	count(rule.deny) == 0 with input as plan
}

test_undecided_unknown_resource if {
	plan := object.union(
		fixture.unknown_policy("aws_kms_key", "policy"),
		{"resource_changes": [fixture.resource("aws_kms_key", {}, true)]},
	)
	count(rule.undecided) == 1 with input as plan
}

test_allow_what_aws_fills_in if {
	plan := fixture.document([fixture.resource("aws_sns_topic", {}, {"policy": true})])
	count(rule.undecided) == 0 with input as plan
}

test_warn_within_the_boundary if {
	plan := inline("arn:aws:iam::222222222222:policy/example-boundary")
	fixture.messages(rule.warn) == {"policy is unknown, within the boundary"} with input as plan
	count(rule.undecided) == 0 with input as plan
}

test_undecided_within_another_boundary if {
	plan := inline("arn:aws:iam::222222222222:policy/anything")
	count(rule.undecided) == 1 with input as plan
	count(rule.warn) == 0 with input as plan
}
