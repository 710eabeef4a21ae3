# METADATA
# title: root.hcl keeps the state of every unit encrypted, locked and in its own place
# description: |
#   Two runs at once damage a state without a lock; a key that does not follow from the unit's path lets two
#   units write one state; a bucket without encryption, or of another account, hands the state over.
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
	live.root.locals[0].state_bucket_name == "${local.organization.organization}-tfstate-${local.account_id}"
}

has(setting) if contains(live.code(live.root.locals[0].state_configs.s3), setting)
