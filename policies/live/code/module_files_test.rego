package live.code.module_files_test

import data.lib.example_test as example
import data.live.code.module_files

has(file) := example.with_module({"files": [sprintf("modules/authorizer/%s", [file])]})

test_allow_sources_tests_and_texts if {
	every file in [
		"main.tf", "README.md", ".terraform.lock.hcl", "tests/terraform.tfvars", "overrides.tf",
		"override_not.tf",
	] {
		count(module_files.deny) == 0 with input as has(file)
	}
}

test_deny_what_would_not_be_read if {
	every file in [
		"main.tf.json", "main.tofu", "main.tofu.json", "override.tf", "main_override.tf", "x.auto.tfvars",
		"terraform.tfvars",
	] {
		count(module_files.deny) == 1 with input as has(file)
	}
}
