package lib.iam_test

import data.lib.fixture_test as fixture
import data.lib.iam

planned(statement) := fixture.document([fixture.policy("aws_s3_bucket_policy", "policy", statement)])

test_statement_in_one_form if {
	iam.statements[0] == {
		"resource": fixture.policy("aws_s3_bucket_policy", "policy", short),
		"kind": "resource",
		"name": "statement 1",
		"allows": true,
		"actions": ["s3:getobject"],
		"resources": ["arn:aws:s3:::example/*"],
		"principals": {{"type": "AWS", "value": "*"}},
		"conditions": {{"operator": "stringequals", "key": "aws:principalorgid", "values": {"o-1"}}},
		"negations": set(),
	} with input as planned(short)
}

short := {
	"Effect": "Allow",
	"Action": "s3:GetObject",
	"Resource": "arn:aws:s3:::example/*",
	"Principal": "*",
	"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}},
}

test_single_statement_without_a_list if {
	text := json.marshal({"Statement": short})
	plan := fixture.document([fixture.resource("aws_s3_bucket_policy", {"policy": text}, {})])
	count(iam.statements) == 1 with input as plan
}

test_unknown_effect_allows if {
	iam.statements[0].allows with input as planned(object.union(short, {"Effect": "deny"}))
}

test_principals_of_each_type if {
	principals := {"AWS": ["a", "b"], "Service": "c"}
	iam.statements[0].principals == {
		{"type": "AWS", "value": "a"},
		{"type": "AWS", "value": "b"},
		{"type": "Service", "value": "c"},
	} with input as planned(object.union(object.remove(short, ["Principal"]), {"Principal": principals}))
}

test_only_equality_and_likeness_compare if {
	every operator in ["StringEquals", "StringLike", "ArnLike", "ForAnyValue:StringEquals", "StringEqualsIgnoreCase"] {
		statement := object.union(object.remove(short, ["Condition"]), {"Condition": {operator: {"aws:SourceArn": "x"}}})
		iam.compared(iam.statements[0], "aws:sourcearn") == {"x"} with input as planned(statement)
	}
	every operator in ["StringNotEquals", "StringEqualsIfExists", "ForAllValues:StringEquals", "Null"] {
		statement := object.union(object.remove(short, ["Condition"]), {"Condition": {operator: {"aws:SourceArn": "x"}}})
		iam.compared(iam.statements[0], "aws:sourcearn") == set() with input as planned(statement)
	}
}
