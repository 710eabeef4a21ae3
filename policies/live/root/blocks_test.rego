package live.root.blocks_test

import data.lib.example_test as example
import data.live.root.blocks

terraform(block) := example.with_root({"terraform": [block]})

arguments(block) := terraform({"extra_arguments": {"x": [block]}})

test_allow_root if {
	count(blocks.deny) == 0 with input as example.whole
	count(blocks.deny) == 0 with input as arguments({
		"commands": ["plan"],
		"env_vars": {"GOGC": "${get_env(\"GOGC\", \"400\")}"},
	})
	count(blocks.deny) == 0 with input as arguments({"env_vars": concat("", [
		"${{ for name in [\"AWS_ROLE_ARN\"] : name =>\n local.role_arn",
		" if local.token_file != \"\" && !local.bootstrap }}",
	])})
}

test_deny_other_blocks if {
	every key in ["iam_role", "terraform_version_constraint", "errors", "inputs"] {
		count(blocks.deny) == 1 with input as example.with_root({key: "x"})
	}
}

test_deny_other_settings_and_files if {
	count(blocks.deny) == 1 with input as terraform({"source": "x"})
	count(blocks.deny) == 1 with input as example.with_root({"generate": {"other": [{}]}})
}

test_deny_arguments_and_variables_of_terraform if {
	count(blocks.deny) == 1 with input as arguments({"arguments": ["-lock=false"]})
	count(blocks.deny) == 1 with input as arguments({"required_var_files": ["x"]})
	count(blocks.deny) == 1 with input as arguments({"env_vars": {"TF_CLI_ARGS": "-lock=false"}})
}

test_deny_other_variables if {
	variables := [
		{"GOGC": "400"},
		{"LD_PRELOAD": "${get_repo_root()}/docs/x.so"},
		{"HTTPS_PROXY": "http://example.com"},
		{"${(format(\"%s_CLI_ARGS_apply\", \"TF\"))}": "-target=x"},
		"${merge({}, local.x)}",
	]
	every env_vars in variables {
		count(blocks.deny) == 1 with input as arguments({"env_vars": env_vars})
	}
}
