package lib.account_test

import data.lib.account
import data.lib.fixture_test as fixture

accounts(findings) := {name.account | some name in findings}

thing(value) := fixture.document([fixture.resource("aws_thing", {"value": value}, {})])

test_accounts_in_values if {
	every value in [
		"arn:aws:iam::111111111111:role/example",
		"arn:aws:s3:::example-dev-truststore-111111111111/*",
		"111111111111.dkr.ecr.eu-west-1.amazonaws.com/example",
		json.marshal({"Resource": ["arn:aws:sns:eu-west-1:111111111111:topic"]}),
	] {
		accounts(account.others) == {"111111111111"} with input as thing(value)
	}
}

test_no_accounts_in_other_digits if {
	every value in ["a1b2c3d4-0000-4000-8000-123456789012", "arn:aws:iam::aws:policy/x", "123456789012"] {
		accounts(account.others) == set() with input as thing(value)
	}
}

test_accounts_of_principals_and_conditions if {
	plan := fixture.document([fixture.policy("aws_s3_bucket_policy", "policy", {
		"Effect": "Allow",
		"Principal": {"AWS": "111111111111"},
		"Action": "s3:GetObject",
		"Resource": "arn:aws:s3:::example/*",
		"Condition": {"StringEquals": {"aws:SourceAccount": "333333333333"}},
	})])
	accounts(account.others) == {"111111111111", "333333333333"} with input as plan
}

test_others_are_not_the_units if {
	plan := thing("arn:aws:iam::111111111111:role/x arn:aws:iam::222222222222:role/x")
	accounts(account.others) == {"111111111111"} with input as plan
}
