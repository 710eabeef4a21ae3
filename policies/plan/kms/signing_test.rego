package plan.kms.signing_test

import data.lib.fixture_test as fixture
import data.plan.kms.signing as rule

role := "arn:aws:iam::111111111111:role/example-ceremony"

root := "arn:aws:iam::111111111111:root"

denial := {
	"Sid": "NobodyElseSigns",
	"Effect": "Deny",
	"Principal": {"AWS": "*"},
	"Action": "kms:Sign",
	"Resource": "*",
	"Condition": {"ArnNotEquals": {"aws:PrincipalArn": role}},
}

signing(principal, action) := {
	"Sid": "Signs",
	"Effect": "Allow",
	"Principal": {"AWS": principal},
	"Action": action,
	"Resource": "*",
}

key(usage, statements) := fixture.document([fixture.resource(
	"aws_kms_key", {
		"key_usage": usage,
		"policy": json.marshal({"Statement": statements}),
	},
	{},
)])

test_allow_named_roles if {
	count(rule.deny) == 0 with input as key("SIGN_VERIFY", [signing(role, "kms:Sign"), denial])
}

test_allow_account_whose_roles_are_named if {
	named := object.union(signing(root, "kms:Sign"), {"Condition": {"ArnEquals": {"aws:PrincipalArn": [role]}}})
	count(rule.deny) == 0 with input as key("SIGN_VERIFY", [named, denial])
}

test_allow_other_keys if {
	count(rule.deny) == 0 with input as key("ENCRYPT_DECRYPT", [signing(root, "kms:*")])
}

test_deny_whole_account if {
	every action in ["kms:Sign", "kms:*"] {
		planned := key("SIGN_VERIFY", [signing(root, action), denial])
		message := sprintf("Signs: %s is allowed to a whole account", [lower(action)])
		fixture.messages(rule.deny) == {message} with input as planned
	}
}

test_deny_roles_by_wildcard if {
	every_role := {"Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::111111111111:role/*"}}}
	planned := key("SIGN_VERIFY", [object.union(signing(root, "kms:Sign"), every_role), denial])
	count(rule.deny) == 1 with input as planned
}

test_deny_grants if {
	planned := key("SIGN_VERIFY", [signing(role, "kms:CreateGrant"), denial])
	fixture.messages(rule.deny) == {"Signs: kms:creategrant passes the right on"} with input as planned
}

test_deny_without_denial if {
	planned := key("SIGN_VERIFY", [signing(role, "kms:Sign")])
	fixture.messages(rule.deny) == {"signing is not denied to everybody else"} with input as planned
}

test_undecided_unknown_usage if {
	every after_unknown in [{"key_usage": true}, true] {
		plan := fixture.document([fixture.resource("aws_kms_key", {}, after_unknown)])
		count(rule.undecided) == 1 with input as plan
		count(rule.deny) == 0 with input as plan
	}
}
