# METADATA
# title: root.hcl keeps the state of every unit encrypted, locked and in its own place
# description: |
#   Two runs at once damage a state without a lock; a key that does not follow from the unit's path lets two
#   units write one state; a bucket without encryption, of another account or at another endpoint hands the
#   state over.
# related_resources:
#   - https://developer.hashicorp.com/terraform/language/backend/s3
# schemas:
#   - input: schema.live
# custom:
#   id: ROOT-002
#   severity: critical
#   remedy: Restore the lines of root.hcl; a change of how state is kept changes this rule as well.
#   waivable: false
package live.root.state

import data.lib.live

settings := {
	"bucket = local.state_bucket_name",
	"key = \"${path_relative_to_include()}/terraform.tfstate\"",
	"encrypt = true",
	"use_lockfile = true",
	"for argument in [local.assumption] : argument => local.session if !local.bootstrap",
}

deny contains live.finding(rego.metadata.chain(), live.root_file, live.root_file, message) if {
	live.root
	some setting in settings
	not has(setting)
	message := sprintf("the state lacks `%s`", [setting])
}

deny contains live.finding(
	rego.metadata.chain(), live.root_file, live.root_file,
	"the state has more settings, or others, than it should",
) if {
	live.root
	not as_it_should_be
	every setting in settings {
		has(setting)
	}
}

deny contains live.finding(
	rego.metadata.chain(), live.root_file, live.root_file,
	"remote_state is not the one of locals.state_configs",
) if {
	live.root
	not configured
}

configured if {
	count(live.root.remote_state) == 1
	state := live.root.remote_state[0]
	state.backend == "${local.state_backend}"
	state.config == "${local.state_configs[local.state_backend]}"
	object.keys(state) == {"backend", "config", "generate"}
	state.generate == {"path": "backend.tf", "if_exists": "overwrite_terragrunt"}
	live.root.locals[0].state_bucket_name == "${local.organization.organization}-tfstate-${local.account_id}"
	live.root.locals[0].state_backend == "${local.bootstrap_state == \"\" ? \"s3\" : \"local\"}"
	live.root.locals[0].bootstrap_state == "${get_env(\"MTLS_BOOTSTRAP_STATE\", \"\")}"
}

has(setting) if contains(live.code(live.root.locals[0].state_configs.s3), setting)

as_it_should_be if {
	configs := live.root.locals[0].state_configs
	object.remove(configs, {"s3"}) == {"local": {"path": "${local.bootstrap_state}"}}
	live.flat(configs.s3) == s3
}

# Comments are no part of it: a text with the signs of one would look the same.
s3 := concat(" ", [
	"${merge( { bucket = local.state_bucket_name key = \"${path_relative_to_include()}/terraform.tfstate\"",
	"region = local.region encrypt = true use_lockfile = true use_path_style = local.laptop",
	"skip_credentials_validation = local.laptop skip_metadata_api_check = local.laptop },",
	"{ for argument in [local.assumption] : argument => local.session if !local.bootstrap } )}",
])
