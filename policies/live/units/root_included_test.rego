package live.units.root_included_test

import data.lib.example_test as example
import data.live.units.root_included

root(settings) := example.with_hcl({"include": {"root": [settings]}})

include := {"path": "${find_in_parent_folders(\"root.hcl\")}", "expose": true}

test_allow_root if count(root_included.deny) == 0 with input as root(include)

test_deny_without_include if {
	document := example.with_unit({"hcl": object.remove(example.unit.hcl, {"include"})})
	changed := [object.union(object.remove(document.units[0], {"hcl"}), {"hcl": {"inputs": {}}})]
	count(root_included.deny) == 1 with input as object.union(document, {"units": changed})
}

test_deny_another_file if {
	count(root_included.deny) == 1 with input as root(object.union(include, {"path": "../root.hcl"}))
}

test_deny_another_merge if {
	count(root_included.deny) == 1 with input as root(object.union(include, {"merge_strategy": "no_merge"}))
}

test_deny_not_exposed if count(root_included.deny) == 1 with input as root(object.union(include, {"expose": false}))

test_deny_a_second_include if {
	second := {"include": {"root": [include], "other": [{"path": "other.hcl"}]}}
	count(root_included.deny) == 1 with input as example.with_hcl(second)
}
