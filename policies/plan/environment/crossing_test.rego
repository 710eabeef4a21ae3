package plan.environment.crossing_test

import data.lib.fixture_test as fixture
import data.plan.environment.crossing as rule

naming(unit, value) := fixture.document_of(unit, [fixture.resource("aws_thing", {"value": value}, {})])

issuer := object.union(fixture.ca, {"name": "issuer-dev"})

test_allow_own_names if {
	count(rule.deny) == 0 with input as naming(fixture.dev, "arn:aws:iam::222222222222:role/example-dev-token")
	count(rule.deny) == 0 with input as naming(fixture.prod, "/example/prod/app-clients")
	count(rule.deny) == 0 with input as naming(issuer, "example-dev-issuer")
}

test_allow_names_of_the_account if {
	count(rule.deny) == 0 with input as naming(fixture.dev, "example-boundary example-products")
}

test_allow_the_certificate_authority_to_serve_all if {
	count(rule.deny) == 0 with input as naming(fixture.ca, "example-dev-crl example-prod-crl")
}

test_deny_another_environment if {
	every name in ["example-prod-registry", "/example/prod/app-clients"] {
		planned := naming(fixture.dev, name)
		fixture.messages(rule.deny) == {sprintf("%s is of prod", [trim_left(name, "/")])} with input as planned
	}
}

test_deny_issuer_of_another_environment if {
	count(rule.deny) == 1 with input as naming(issuer, "arn:aws:iam::333333333333:role/example-prod-pki-writer")
}

test_deny_in_inputs if {
	named := {"variables": {"table": {"value": "example-stage-registry"}}}
	fixture.addresses(rule.deny) == {"var.table"} with input as object.union(fixture.document([]), named)
}

test_allow_names_that_begin_alike if {
	regional := object.union(fixture.dev, {"environment": "dev-eu", "promotion": ["dev", "dev-eu"]})
	count(rule.deny) == 0 with input as naming(regional, "example-dev-eu-registry")
}

test_undecided_is_said_by_known_policy if {
	count(rule.deny) == 0 with input as fixture.unknown_policy("aws_iam_role_policy", "policy")
}
