package live.tree.files_test

import data.lib.example_test as example
import data.live.tree.files

has(file) := object.union(example.whole, {"files": [file]})

test_allow_what_live_is_made_of if {
	known := [
		"live/README.md", "live/drift-noise.yaml", "live/prod/eu-west-1/prod/truststore.json",
		"live/prod/eu-west-1/prod/registry/terragrunt.hcl", "live/prod/eu-west-1/prod/registry/.terraform.lock.hcl",
		"modules/x/anything",
	]
	every file in known {
		count(files.deny) == 0 with input as has(file)
	}
}

test_allow_the_example if count(files.deny) == 0 with input as example.whole

test_deny_anything_else if {
	strange := [
		"live/prod/root.hcl", "live/prod/eu-west-1/prod/registry/env.hcl", "live/prod/eu-west-1/prod/registry/extra.tf",
		"live/prod/eu-west-1/prod/registry/terragrunt.hcl.json", "live/prod/eu-west-1/prod/registry/x.auto.tfvars",
		"live/terragrunt.hcl", "live/prod/eu-west-1/prod/terragrunt.stack.hcl", "live/prod/eu-west-1/prod/a/b/terragrunt.hcl",
		"live/prod/eu-west-1/account.hcl",
	]
	every file in strange {
		count(files.deny) == 1 with input as has(file)
	}
}

test_deny_outside_what_terragrunt_looks_for if {
	every file in ["images.hcl", "root.hcl", "modules/x/terragrunt.hcl", "docs/env.hcl", "terragrunt.hcl.json"] {
		count(files.deny) == 1 with input as has(file)
	}
}

test_allow_other_hcl_outside if {
	every file in ["modules/x/.terraform.lock.hcl", "modules/x/tests/inputs.tftest.hcl", "myroot.hcl"] {
		count(files.deny) == 0 with input as has(file)
	}
}
