package plan.change.imports_test

import data.lib.fixture_test as fixture
import data.plan.change.imports as rule

said := {"an object that exists is imported into this unit's state"}

importing(actions, from) := [object.union(
	fixture.change("aws_s3_bucket", actions, {}),
	{"change": {"importing": from}},
)]

test_allow_what_is_made_or_changed if {
	every unit in [fixture.dev, fixture.prod] {
		every actions in [["create"], ["update"], ["no-op"]] {
			plan := fixture.document_of(unit, [fixture.change("aws_s3_bucket", actions, {})])
			count(rule.deny) + count(rule.warn) == 0 with input as plan
		}
	}
}

test_allow_an_import_that_is_none if {
	plan := fixture.document_of(fixture.prod, importing(["update"], null))
	count(rule.deny) + count(rule.warn) == 0 with input as plan
}

test_warn_of_an_import if {
	every actions in [["no-op"], ["update"], ["delete", "create"]] {
		plan := fixture.document(importing(actions, {"id": "example-tfstate"}))
		fixture.messages(rule.warn) == said with input as plan
		count(rule.deny) == 0 with input as plan
	}
}

test_deny_an_import_in_the_last_environment if {
	every actions in [["no-op"], ["update"], ["delete", "create"]] {
		plan := fixture.document_of(fixture.prod, importing(actions, {"id": "example-tfstate"}))
		fixture.messages(rule.deny) == said with input as plan
		count(rule.warn) == 0 with input as plan
	}
}

# Nothing is undecided: an import that is not known yet is one.
test_deny_an_import_of_an_unknown_id if {
	every from in [{"unknown": true}, {}, {"identity": {"bucket": "example-tfstate"}}] {
		fixture.messages(rule.deny) == said with input as fixture.document_of(fixture.prod, importing(["no-op"], from))
		fixture.messages(rule.warn) == said with input as fixture.document(importing(["no-op"], from))
	}
}
