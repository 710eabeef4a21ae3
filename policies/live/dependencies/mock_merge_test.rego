package live.dependencies.mock_merge_test

import data.lib.example_test as example
import data.live.dependencies.mock_merge

test_allow_shallow_or_none if {
	count(mock_merge.deny) == 0 with input as example.whole
	count(mock_merge.deny) == 0 with input as example.with_dependency({"merge_strategy": "shallow"})
}

test_deny_other_merges if {
	every strategy in ["deep_map_only", "no_merge", "${local.strategy}", true] {
		count(mock_merge.deny) == 1 with input as example.with_dependency({"merge_strategy": strategy})
	}
}
