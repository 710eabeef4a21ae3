package plan.iam.escalation_test

import data.lib.fixture_test as fixture
import data.plan.iam.escalation as rule

allowing(action, conditions) := fixture.document([fixture.policy("aws_iam_policy", "policy", {
	"Sid": "Roles",
	"Effect": "Allow",
	"Action": action,
	"Resource": "arn:aws:iam::222222222222:role/example-*",
	"Condition": conditions,
})])

boundary := {"StringEquals": {"iam:PermissionsBoundary": "arn:aws:iam::222222222222:policy/example-boundary"}}

test_allow_roles_within_the_boundary if {
	count(rule.deny) == 0 with input as allowing(["iam:CreateRole", "iam:PutRolePolicy"], boundary)
}

test_allow_handing_roles_to_named_services if {
	conditions := {"StringEquals": {"iam:PassedToService": ["lambda.amazonaws.com"]}}
	count(rule.deny) == 0 with input as allowing("iam:PassRole", conditions)
}

test_allow_reading if {
	count(rule.deny) == 0 with input as allowing("iam:GetRole", {})
}

test_deny_writing_roles_without_the_boundary if {
	another := {"StringEquals": {"iam:PermissionsBoundary": "arn:aws:iam::222222222222:policy/another"}}
	every conditions in [{}, another] {
		planned := allowing("iam:PutRolePolicy", conditions)
		fixture.messages(rule.deny) == {"Roles: iam:putrolepolicy is not bound to the boundary"} with input as planned
	}
}

test_deny_handing_roles_to_anything if {
	every conditions in [{}, {"StringLike": {"iam:PassedToService": "*"}}] {
		planned := allowing("iam:PassRole", conditions)
		fixture.messages(rule.deny) == {"Roles: iam:passrole is not bound to services"} with input as planned
	}
}

test_deny_users_and_keys if {
	every action in ["iam:CreateUser", "iam:CreateAccessKey"] {
		planned := allowing(action, boundary)
		fixture.messages(rule.deny) == {sprintf("Roles: %s is allowed", [lower(action)])} with input as planned
	}
}

test_undecided_is_said_by_known_policy if {
	count(rule.deny) == 0 with input as fixture.unknown_policy("aws_iam_policy", "policy")
}
