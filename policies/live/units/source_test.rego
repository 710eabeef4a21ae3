package live.units.source_test

import data.lib.example_test as example
import data.live.units.source

test_allow_pinned_source if count(source.deny) == 0 with input as example.whole

test_deny_source_from_elsewhere if count(source.deny) == 1 with input as example.with_unit({"module": ""})

test_deny_without_terraform_block if {
	count(source.deny) == 1 with input as object.union(
		example.whole,
		{"units": [object.union(object.remove(example.unit, {"hcl"}), {"hcl": {}})]},
	)
}

test_deny_two_terraform_blocks if {
	twice := array.concat(example.unit.hcl.terraform, example.unit.hcl.terraform)
	count(source.deny) == 1 with input as example.with_hcl({"terraform": twice})
}
