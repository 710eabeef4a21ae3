package live.code.functions_test

import data.lib.example_test as example
import data.live.code.functions

unit_says(text) := example.with_hcl({"locals": [{"x": {"y": text}}]})

env_says(text) := example.with_config("live/non-prod/eu-west-1/dev/env.hcl", {"locals": [{"x": text}]})

test_allow_plain_configuration if count(functions.deny) == 0 with input as example.whole

test_deny_running_a_program if {
	texts := {
		"${run_cmd(\"id\")}",
		"a${\nrun_cmd\n(\"id\")}",
		"${{ for x in [1] : x =>run_cmd(\"id\") }}",
		"${run_cmd/* */(\"id\")}",
	}
	every text in texts {
		count(functions.deny) == 1 with input as unit_says(text)
		count(functions.deny) == 1 with input as env_says(text)
		count(functions.deny) == 1 with input as example.with_root_locals({"x": text})
	}
}

test_deny_running_a_program_in_a_key if {
	count(functions.deny) == 1 with input as example.with_hcl({"inputs": {"${(run_cmd(\"id\"))}": 1}})
}

test_deny_asking_aws_and_decrypting if {
	every text in ["${get_aws_account_id()}", "${sops_decrypt_file(\"x\")}"] {
		count(functions.deny) == 1 with input as unit_says(text)
	}
}

test_deny_environment_in_a_unit if {
	every text in ["${get_env(\"HOME\")}", "${get_env(\"MTLS_X\", \"\")}", "${x\n?get_env\n(\"MTLS_X\"):1}"] {
		count(functions.deny) == 1 with input as unit_says(text)
	}
}

test_allow_own_variables_beside_root if {
	count(functions.deny) == 0 with input as env_says("${get_env(\"MTLS_ENVIRONMENTS\", \"\")}")
}

test_deny_other_variables_beside_root if {
	some finding in functions.deny with input as env_says("${get_env(\"HOME\", \"\")}")
	finding.message == "it reads HOME from the environment, or names that in a comment"
}

test_deny_variables_that_are_computed if {
	count(functions.deny) == 1 with input as env_says("${get_env(local.name)}")
	count(functions.deny) == 1 with input as env_says("${get_env(\"MTLS_${local.x}\")}")
}

test_deny_what_the_json_does_not_have if {
	texts := {
		"inputs = {\n  k = run_cmd(\"id\"), k = 1\n}",
		"x = run_cmd # why\n (\"id\")",
		"# formerly run_cmd (\"id\")",
		"x = get_env (\"HOME\")",
		"x = get_env(/* */ local.name)",
	}
	every text in texts {
		count(functions.deny) == 1 with input as example.with_text(text)
		count(functions.deny) == 1 with input as example.with_config_text("live/prod/account.hcl", text)
	}
}

test_allow_own_variables_in_the_text if {
	text := "x = get_env(\"MTLS_ENVIRONMENTS\", \"\") # my_run_cmds"
	count(functions.deny) == 0 with input as example.with_config_text("live/prod/account.hcl", text)
}
