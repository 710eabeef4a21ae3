package plan.iam.wildcard_actions_test

import data.lib.fixture_test as fixture
import data.plan.iam.wildcard_actions as rule

allowing(actions) := fixture.document([fixture.policy("aws_iam_policy", "policy", {
	"Sid": "Things",
	"Effect": "Allow",
	"Action": actions,
	"Resource": "arn:aws:s3:::example/*",
})])

test_allow_named_actions if {
	count(rule.deny) == 0 with input as allowing(["s3:GetObject", "s3:PutObject"])
}

test_allow_families_of_reading if {
	count(rule.deny) == 0 with input as allowing(["dynamodb:Describe*", "lambda:GetFunction*", "s3:GetBucket*"])
}

test_allow_declared_families if {
	count(rule.deny) == 0 with input as allowing(["kms:GenerateDataKey*", "s3:PutBucket*"])
}

test_allow_what_is_denied if {
	statement := {"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"}
	count(rule.deny) == 0 with input as fixture.document([fixture.policy("aws_iam_policy", "policy", statement)])
}

test_deny_wildcards if {
	every action in ["*", "s3:*", "s3:Get*", "s3:*Object", "s3:Put?bject", "*:GetObject", "iam:Create*", "kms:List*"] {
		planned := allowing(action)
		fixture.messages(rule.deny) == {sprintf("Things: %s is a wildcard", [lower(action)])} with input as planned
	}
}

test_deny_families_that_read_content if {
	every action in ["s3:GetObject*", "s3:GetO*", "secretsmanager:GetSecret*", "ssm:GetParameters*", "dynamodb:GetIt*"] {
		count(rule.deny) == 1 with input as allowing(action)
	}
}

test_deny_all_but_a_list if {
	statement := {"Effect": "Allow", "NotAction": "iam:CreateUser", "Resource": "arn:aws:s3:::example/*"}
	plan := fixture.document([fixture.policy("aws_iam_role_policy", "policy", statement)])
	fixture.messages(rule.deny) == {"statement 1: NotAction allows all but a list"} with input as plan
}

test_deny_in_every_kind_of_policy if {
	statement := {"Effect": "Allow", "Action": "sts:*", "Principal": {"AWS": "arn:aws:iam::222222222222:role/x"}}
	every type, attribute in {"aws_iam_role": "assume_role_policy", "aws_s3_bucket_policy": "policy"} {
		count(rule.deny) == 1 with input as fixture.document([fixture.policy(type, attribute, statement)])
	}
}

test_undecided_is_said_by_known_policy if {
	count(rule.deny) == 0 with input as fixture.unknown_policy("aws_iam_policy", "policy")
}

test_allow_a_key_left_to_the_accounts_own_policies if {
	statement := {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}
	own := object.union(statement, {"Principal": {"AWS": "arn:aws:iam::222222222222:root"}})
	count(rule.deny) == 0 with input as fixture.document([fixture.policy("aws_kms_key", "policy", own)])
	others := object.union(statement, {"Principal": {"AWS": "arn:aws:iam::111111111111:root"}})
	count(rule.deny) == 1 with input as fixture.document([fixture.policy("aws_kms_key", "policy", others)])
}
