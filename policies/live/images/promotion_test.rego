package live.images.promotion_test

import data.lib.example_test as example
import data.live.images.promotion

images(stage, prod, before) := example.with_environments([
	object.union(example.environment("non-prod", "stage", null, "1.0.0"), {"images": {"authorizer": stage}}),
	object.union(example.environment("prod", "prod", "stage", "1.0.0"), {
		"images": {"authorizer": prod},
		"images_before": before,
	}),
])

nothing if {
	count(promotion.deny) == 0
	count(promotion.undecided) == 0
}

test_allow_what_runs_before if nothing with input as images(example.image("a"), example.image("a"), {})

test_allow_the_digest_in_another_registry if {
	nothing with input as images(example.image("a"), replace(example.image("a"), "222222222222", "333333333333"), {})
}

test_allow_what_ran_here if {
	nothing with input as images(example.image("b"), example.image("a"), {"authorizer": example.image("a")})
}

test_deny_what_was_tried_nowhere if {
	count(promotion.deny) == 1 with input as images(
		example.image("a"), example.image("b"),
		{"authorizer": example.image("a")},
	)
	count(promotion.deny) == 1 with input as images(null, example.image("b"), {})
}

test_undecided_without_the_past if {
	count(promotion.undecided) == 1 with input as images(example.image("a"), example.image("b"), null)
	count(promotion.deny) == 0 with input as images(example.image("a"), example.image("b"), null)
}

test_allow_first_environment if nothing with input as example.whole
