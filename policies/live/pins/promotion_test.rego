package live.pins.promotion_test

import data.lib.example_test as example
import data.live.pins.promotion

pins(dev, stage, prod) := example.with_environments([
	example.environment("non-prod", "dev", null, dev),
	example.environment("non-prod", "stage", "dev", stage),
	example.environment("prod", "prod", "stage", prod),
])

messages contains finding.message if some finding in promotion.deny

test_allow_behind_or_equal if {
	count(promotion.deny) == 0 with input as pins("1.10.0", "1.9.0", "1.9.0")
	count(promotion.deny) == 0 with input as pins("local", "1.9.0", "1.0.0")
}

test_deny_prod_ahead_of_stage if {
	messages == {`"1.10.0" is ahead of stage, which has "1.9.0"`} with input as pins("local", "1.9.0", "1.10.0")
}

test_deny_stage_ahead_of_dev if {
	messages == {`"2.0.0" is ahead of dev, which has "1.9.0"`} with input as pins("1.9.0", "2.0.0", "1.9.0")
}

test_deny_module_that_was_tried_nowhere if {
	stage := object.union(example.environment("non-prod", "stage", "dev", "1.0.0"), {"previous": null})
	prod := object.union(
		example.environment("prod", "prod", "stage", "1.0.0"),
		{"versions": {"authorizer": "1.0.0", "watch": "1.0.0"}},
	)
	document := example.with_environments([stage, prod])
	messages == {`"1.0.0" is ahead of stage, which has "no such module"`} with input as document
}

test_deny_where_versions_cannot_be_compared if {
	count(promotion.deny) == 2 with input as pins("main", "1.0.0", "${local.x}")
}
