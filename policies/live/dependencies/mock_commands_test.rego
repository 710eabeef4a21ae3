package live.dependencies.mock_commands_test

import data.lib.example_test as example
import data.live.dependencies.mock_commands

test_allow_init_and_validate if {
	count(mock_commands.deny) == 0 with input as example.whole
	count(mock_commands.deny) == 0 with input as example.with_dependency({"commands": ["validate"]})
}

test_allow_without_mocks if {
	count(mock_commands.deny) == 0 with input as example.with_dependency({"mock_outputs": null, "commands": null})
}

test_deny_commands_that_plan_or_apply if {
	every command in ["plan", "apply", "destroy", "output", "${local.command}"] {
		count(mock_commands.deny) == 1 with input as example.with_dependency({"commands": ["init", command]})
	}
}

test_deny_without_a_list if {
	every commands in [null, [], "${local.commands}"] {
		count(mock_commands.deny) == 1 with input as example.with_dependency({"commands": commands})
	}
}
