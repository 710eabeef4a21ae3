package plan.change.loss_test

import data.lib.fixture_test as fixture
import data.plan.change.loss as rule

test_allow_keeping if {
	count(rule.warn) == 0 with input as fixture.document([fixture.change("aws_lambda_function", ["update"], {})])
}

test_allow_data_sources if {
	data_source := object.union(fixture.change("aws_region", ["delete"], {}), {"mode": "data"})
	count(rule.warn) == 0 with input as fixture.document([data_source])
}

test_warn_of_losing if {
	plan := fixture.document([fixture.change("aws_lambda_function", ["delete", "create"], {})])
	fixture.messages(rule.warn) == {"replacement"} with input as plan
}
