package plan.iam.wildcard_resources_test

import data.lib.fixture_test as fixture
import data.plan.iam.wildcard_resources as rule

allowing(actions, resources) := fixture.document([fixture.policy(
	"aws_iam_role_policy", "policy",
	{"Sid": "Things", "Effect": "Allow", "Action": actions, "Resource": resources},
)])

test_allow_named_resources if {
	every action, resource in {
		"dynamodb:GetItem": "arn:aws:dynamodb:eu-west-1:222222222222:table/example-dev-registry",
		"s3:GetObject": "arn:aws:s3:::example-*/*",
		"scheduler:GetSchedule": "arn:aws:scheduler:eu-west-1:222222222222:schedule/*/example-*",
		"sns:Publish": "arn:aws:sns:eu-west-1:222222222222:example-alarms",
		"logs:PutLogEvents": "arn:aws:logs:eu-west-1:222222222222:log-group:/aws/*/example-*:*",
	} {
		count(rule.deny) == 0 with input as allowing(action, resource)
	}
}

test_allow_kinds_that_aws_names if {
	every action, resource in {
		"kms:Sign": "arn:aws:kms:eu-west-1:222222222222:key/*",
		"apigateway:GET": "arn:aws:apigateway:eu-west-1::/apis/*",
		"route53:ChangeResourceRecordSets": "arn:aws:route53:::hostedzone/*",
	} {
		count(rule.deny) == 0 with input as allowing(action, resource)
	}
}

test_allow_actions_without_resource if {
	every action in ["xray:PutTraceSegments", "route53:ListHostedZones", "cloudwatch:DescribeAlarms"] {
		count(rule.deny) == 0 with input as allowing(action, "*")
	}
}

test_allow_searches_in_all_of_a_kind if {
	plan := allowing(["logs:DescribeLogGroups", "kms:Sign"], "arn:aws:logs:eu-west-1:222222222222:log-group:*")
	count(rule.deny) == 0 with input as plan
}

test_allow_roles_elsewhere_in_the_boundary if {
	statement := {
		"Effect": "Allow",
		"Action": "sts:AssumeRole",
		"Resource": "arn:aws:iam::*:role/example-*-issuer-invoker",
	}
	boundary := object.union(
		fixture.policy("aws_iam_policy", "policy", statement),
		{"change": {"after": {"name": "example-boundary"}}},
	)
	count(rule.deny) == 0 with input as fixture.document([boundary])
	count(rule.deny) == 1 with input as fixture.document([fixture.policy("aws_iam_policy", "policy", statement)])
}

test_deny_every_resource if {
	plan := allowing(["dynamodb:GetItem", "s3:ListBucket", "logs:DescribeLogGroups"], ["*"])
	fixture.messages(rule.deny) == {
		"Things: dynamodb:getitem is allowed on every resource",
		"Things: s3:listbucket is allowed on every resource",
	} with input as plan
}

test_deny_open_region_or_account if {
	every arn in [
		"arn:aws:dynamodb:*:222222222222:table/example",
		"arn:aws:dynamodb:eu-west-1:*:table/example",
		"arn:aws:dynamodb:eu-west-1:2222222222??:table/example",
		"arn:*:dynamodb:eu-west-1:222222222222:table/example",
	] {
		planned := allowing("dynamodb:GetItem", arn)
		fixture.messages(rule.deny) == {sprintf("Things: %s leaves region or account open", [arn])} with input as planned
	}
}

test_deny_every_resource_of_a_kind if {
	every action, arn in {
		"s3:GetObject": "arn:aws:s3:::*",
		"s3:PutObject": "arn:aws:s3:::*/*",
		"dynamodb:GetItem": "arn:aws:dynamodb:eu-west-1:222222222222:table/*",
		"iam:PassRole": "arn:aws:iam::222222222222:role/*",
		"sns:Publish": "arn:aws:sns:eu-west-1:222222222222:*",
		"apigateway:GET": "arn:aws:apigateway:eu-west-1::/*",
	} {
		planned := allowing(action, arn)
		fixture.messages(rule.deny) == {sprintf("Things: %s is every resource of its kind", [arn])} with input as planned
	}
}

test_allow_what_is_denied if {
	statement := {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"}
	count(rule.deny) == 0 with input as fixture.document([fixture.policy("aws_iam_policy", "policy", statement)])
}

test_undecided_is_said_by_known_policy if {
	count(rule.deny) == 0 with input as fixture.unknown_policy("aws_iam_policy", "policy")
}
