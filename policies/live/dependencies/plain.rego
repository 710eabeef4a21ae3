# METADATA
# title: A dependency is plain
# description: |
#   A path and mocks are all that a dependency needs. `skip_outputs` puts mocks where outputs belong,
#   `enabled` takes the dependency out of the order of application.
# related_resources:
#   - https://terragrunt.gruntwork.io/docs/reference/hcl/blocks/#dependency
# schemas:
#   - input: schema.live
# custom:
#   id: DEP-003
#   severity: critical
#   remedy: Take the attribute out of the dependency.
#   waivable: false
package live.dependencies.plain

import data.lib.live

allowed := {
	"config_path",
	"mock_outputs",
	"mock_outputs_allowed_terraform_commands",
	"mock_outputs_merge_strategy_with_state",
}

deny contains live.about_unit(rego.metadata.chain(), unit, message) if {
	some unit in input.units
	some dependency in unit.dependencies
	some key in dependency.keys
	not key in allowed
	message := sprintf("the dependency %s sets %s", [dependency.name, key])
}
