package live.code.hooks_test

import data.lib.example_test as example
import data.live.code.hooks

test_allow_none if count(hooks.deny) == 0 with input as example.whole

test_deny_hooks_wherever_they_are if {
	every hook in ["before_hook", "after_hook", "error_hook"] {
		terraform := {"terraform": [{hook: {"x": [{"commands": ["plan"], "execute": ["id"]}]}}]}
		count(hooks.deny) == 1 with input as example.with_root(terraform)
		count(hooks.deny) == 1 with input as example.with_hcl(terraform)
		count(hooks.deny) == 1 with input as example.with_config("live/prod/account.hcl", terraform)
	}
}

test_deny_other_programs if {
	every key in ["engine", "terraform_binary", "catalog"] {
		count(hooks.deny) == 1 with input as example.with_root({key: "x"})
		count(hooks.deny) == 1 with input as example.with_hcl({key: [{}]})
	}
}
