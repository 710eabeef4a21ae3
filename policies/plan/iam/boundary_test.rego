package plan.iam.boundary_test

import data.lib.fixture_test as fixture
import data.plan.iam.boundary as rule

role(after, after_unknown) := [fixture.resource("aws_iam_role", after, after_unknown)]

test_allow_the_boundary if {
	bounded := role({"permissions_boundary": "arn:aws:iam::222222222222:policy/example-boundary"}, {})
	count(rule.deny) == 0 with input as fixture.document(bounded)
	count(rule.undecided) == 0 with input as fixture.document(bounded)
}

test_allow_the_certificate_authority if {
	count(rule.deny) == 0 with input as fixture.document_of(fixture.ca, role({}, {}))
}

test_deny_no_boundary if {
	count(rule.deny) == 1 with input as fixture.document(role({}, {}))
}

test_deny_another_accounts_boundary if {
	foreign := role({"permissions_boundary": "arn:aws:iam::222222222222:policy/example-boundary"}, {})
	count(rule.deny) == 1 with input as fixture.document_of(fixture.prod, foreign)
}

test_undecided_unknown if {
	every after_unknown in [{"permissions_boundary": true}, true] {
		count(rule.undecided) == 1 with input as fixture.document(role({}, after_unknown))
		count(rule.deny) == 0 with input as fixture.document(role({}, after_unknown))
	}
}
