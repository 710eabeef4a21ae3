package plan.change.last_environment_test

import data.lib.fixture_test as fixture
import data.plan.change.last_environment as rule

function(actions) := [fixture.change("aws_lambda_function", actions, {})]

test_allow_keeping if {
	count(rule.deny) == 0 with input as fixture.document_of(fixture.prod, function(["update"]))
}

test_allow_elsewhere if {
	count(rule.deny) == 0 with input as fixture.document_of(fixture.dev, function(["delete"]))
}

test_allow_a_run_made_to_destroy if {
	asked := object.union(fixture.prod, {"destroy": true})
	count(rule.deny) == 0 with input as fixture.document_of(asked, function(["delete"]))
}

test_deny_losing if {
	every word, actions in {"deletion": ["delete"], "replacement": ["create", "delete"], "forgetting": ["forget"]} {
		plan := fixture.document_of(fixture.prod, function(actions))
		fixture.messages(rule.deny) == {sprintf("%s in the last environment", [word])} with input as plan
	}
}
