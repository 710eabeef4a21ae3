# METADATA
# title: Mocks serve `init` and `validate` alone
# description: |
#   A plan that was made with mocks applies without a complaint, and writes the mocks to the state. Without the
#   list of commands, mocks serve every command.
# related_resources:
#   - https://terragrunt.gruntwork.io/docs/reference/hcl/blocks/#dependency
# schemas:
#   - input: schema.live
# custom:
#   id: DEP-004
#   severity: critical
#   remedy: Write mock_outputs_allowed_terraform_commands = ["init", "validate"].
#   waivable: false
package live.dependencies.mock_commands

import data.lib.live

deny contains live.about_unit(rego.metadata.chain(), unit, message) if {
	some unit in input.units
	some dependency in unit.dependencies
	dependency.mock_outputs != null
	not harmless(dependency.commands)
	message := sprintf("the dependency %s has mocks that serve more than init and validate", [dependency.name])
}

harmless(commands) if {
	is_array(commands)
	count(commands) > 0
	every command in commands {
		command in {"init", "validate"}
	}
}
