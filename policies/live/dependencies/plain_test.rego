package live.dependencies.plain_test

import data.lib.example_test as example
import data.live.dependencies.plain

test_allow_path_and_mocks if count(plain.deny) == 0 with input as example.whole

test_deny_anything_else if {
	every key in ["skip_outputs", "enabled", "mock_outputs_merge_with_state"] {
		count(plain.deny) == 1 with input as example.with_dependency({"keys": ["config_path", key]})
	}
}
