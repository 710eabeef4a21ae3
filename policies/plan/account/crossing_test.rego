package plan.account.crossing_test

import data.lib.fixture_test as fixture
import data.plan.account.crossing as rule

naming(unit, arn) := fixture.document_of(unit, [fixture.resource("aws_thing", {"value": arn}, {})])

test_allow_own_account if {
	count(rule.deny) == 0 with input as naming(fixture.dev, "arn:aws:iam::222222222222:role/anything")
}

test_allow_declared_roles_of_security if {
	every name in ["role/example-ceremony", "role/example-dev-issuer", "role/example-dev-issuer-invoker", "root"] {
		count(rule.deny) == 0 with input as naming(fixture.dev, sprintf("arn:aws:iam::111111111111:%s", [name]))
	}
}

test_allow_declared_roles_of_an_environment if {
	every name in ["role/example-dev-pki-writer", "role/example-prod-pki-reader", "role/example-dev-est", "root"] {
		count(rule.deny) == 0 with input as naming(fixture.ca, sprintf("arn:aws:iam::222222222222:%s", [name]))
	}
}

test_deny_other_things_of_security if {
	every arn in [
		"arn:aws:iam::111111111111:role/example-apply",
		"arn:aws:iam::111111111111:role/example-dev-pki-writer",
		"arn:aws:kms:eu-west-1:111111111111:key/1234",
		"arn:aws:s3:::example-ca-111111111111",
	] {
		planned := naming(fixture.dev, arn)
		fixture.messages(rule.deny) == {sprintf("%s is of the account security", [arn])} with input as planned
	}
}

test_deny_one_environments_account_in_another if {
	every arn in ["arn:aws:iam::333333333333:root", "arn:aws:iam::333333333333:role/example-prod-pki-writer"] {
		count(rule.deny) == 1 with input as naming(fixture.dev, arn)
	}
}

test_deny_bare_account if {
	plan := fixture.document([fixture.policy("aws_iam_role", "assume_role_policy", {
		"Effect": "Allow",
		"Action": "sts:AssumeRole",
		"Principal": {"AWS": "111111111111"},
	})])
	fixture.messages(rule.deny) == {"111111111111 is of the account security"} with input as plan
}

test_undecided_is_said_by_known_policy if {
	count(rule.deny) == 0 with input as fixture.unknown_policy("aws_kms_key", "policy")
}
