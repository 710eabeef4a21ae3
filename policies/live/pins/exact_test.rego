package live.pins.exact_test

import data.lib.example_test as example
import data.live.pins.exact

pinned(account, name, version) := example.with_environments([example.environment(account, name, null, version)])

test_allow_release if count(exact.deny) == 0 with input as pinned("prod", "prod", "1.2.0")

test_allow_working_tree_in_the_first_environment if {
	count(exact.deny) == 0 with input as pinned("non-prod", "dev", "local")
}

test_deny_working_tree_elsewhere if {
	some name in {"stage", "prod"}
	count(exact.deny) == 1 with input as pinned("prod", name, "local")
}

test_deny_working_tree_in_an_accounts_own_folder if {
	folder := object.union(example.own_folder("non-prod", "account"), {"versions": {"state-bucket": "local"}})
	count(exact.deny) == 1 with input as example.with_environments([folder])
}

test_deny_what_is_no_exact_release if {
	every version in ["~> 1.2", "1.2", "v1.2.0", "01.2.0", "1.2.0-rc1", "", "main", 1, null, "${local.x}"] {
		count(exact.deny) == 1 with input as pinned("prod", "prod", version)
	}
}

test_deny_a_name_that_is_computed if {
	environment := object.union(
		example.environment("non-prod", "dev", null, "local"),
		{"versions": {"${(\"registry\")}": "1.0.0"}},
	)
	count(exact.deny) > 0 with input as example.with_environments([environment])
}
