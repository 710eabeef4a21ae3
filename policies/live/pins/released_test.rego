package live.pins.released_test

import data.lib.example_test as example
import data.live.pins.released

pinned(version) := example.with_environments([example.environment("prod", "prod", null, version)])

test_allow_release_that_exists if count(released.deny) == 0 with input as pinned("1.0.0")

test_allow_working_tree if count(released.deny) == 0 with input as pinned("local")

test_deny_release_that_does_not_exist if {
	some finding in released.deny with input as pinned("9.0.0")
	finding.message == "main has no tag modules/authorizer/v9.0.0"
}

test_deny_module_without_any_release if {
	count(released.deny) == 1 with input as object.union(object.remove(pinned("1.0.0"), {"releases"}), {"releases": {}})
}

test_undecided_where_releases_are_not_known if {
	unknown := object.union(pinned("1.0.0"), {"releases": null})
	count(released.undecided) == 1 with input as unknown
	count(released.deny) == 0 with input as unknown
}
