package plan.iam.principals_test

import data.lib.fixture_test as fixture
import data.plan.iam.principals as rule

bucket_policy(statement) := fixture.document([fixture.policy("aws_s3_bucket_policy", "policy", object.union(
	{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::example/*"},
	statement,
))])

trust(statement) := fixture.document([fixture.policy("aws_iam_role", "assume_role_policy", object.union(
	{"Effect": "Allow", "Action": "sts:AssumeRole"},
	statement,
))])

account := {"AWS": "arn:aws:iam::111111111111:root"}

test_allow_named_principals if {
	count(rule.deny) == 0 with input as bucket_policy({"Principal": account})
	count(rule.deny) == 0 with input as trust({"Principal": {"Service": "lambda.amazonaws.com"}})
	count(rule.deny) == 0 with input as trust({"Principal": {"AWS": "arn:aws:iam::111111111111:role/ceremony"}})
}

test_allow_an_account_whose_roles_are_named if {
	plan := trust({
		"Principal": account,
		"Condition": {"ArnEquals": {"aws:PrincipalArn": ["arn:aws:iam::111111111111:role/example-ceremony"]}},
	})
	count(rule.deny) == 0 with input as plan
}

test_allow_organisation if {
	plan := bucket_policy({"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}}})
	count(rule.deny) == 0 with input as plan
}

test_allow_denying_everybody if {
	count(rule.deny) == 0 with input as bucket_policy({"Effect": "Deny", "Principal": "*"})
}

test_deny_anybody if {
	every principal in ["*", {"AWS": "*"}, {"AWS": ["arn:aws:iam::111111111111:root", "*"]}, {"Service": "*"}] {
		planned := bucket_policy({"Principal": principal})
		fixture.messages(rule.deny) == {"statement 1: anybody is let in"} with input as planned
	}
}

test_deny_all_but_one if {
	planned := bucket_policy({"NotPrincipal": account})
	fixture.messages(rule.deny) == {"statement 1: anybody is let in"} with input as planned
}

test_deny_a_condition_that_names_nobody if {
	every condition in [
		{"Bool": {"aws:SecureTransport": "true"}},
		{"StringNotEquals": {"aws:PrincipalOrgID": "o-1234567890"}},
		{"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1234567890"}},
		{"StringLike": {"aws:PrincipalOrgID": "*"}},
		{"StringLike": {"aws:PrincipalOrgID": "o-*"}},
		{"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/example"}},
	] {
		count(rule.deny) == 1 with input as bucket_policy({"Principal": "*", "Condition": condition})
	}
}

test_deny_anybody_taking_a_role if {
	plan := trust({"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}}})
	fixture.messages(rule.deny) == {"statement 1: anybody may take the role"} with input as plan
}

test_deny_a_whole_account if {
	every statement in [
		{"Principal": account},
		{"Principal": {"AWS": "111111111111"}},
		{"Principal": account, "Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::111111111111:role/*"}}},
	] {
		count(rule.deny) == 1 with input as trust(statement)
	}
}

test_undecided_is_said_by_known_policy if {
	count(rule.deny) == 0 with input as fixture.unknown_policy("aws_s3_bucket_policy", "policy")
}
