# METADATA
# title: A unit depends on units that exist
# description: |
#   A unit that goes while others depend on it leaves them with outputs that nobody keeps true, and with
#   nothing to plan on. A path that is an expression, or absolute, cannot be followed by reading.
# related_resources:
#   - https://terragrunt.gruntwork.io/docs/reference/hcl/blocks/#dependency
# schemas:
#   - input: schema.live
# custom:
#   id: DEP-001
#   severity: high
#   remedy: Take the dependency out of the units that have it before the unit goes; write config_path as "../<unit>".
package live.dependencies.exists

import data.lib.live

deny contains live.about_unit(rego.metadata.chain(), unit, message) if {
	some unit in input.units
	some dependency in unit.dependencies
	dependency.target != ""
	not dependency.target in input.paths
	message := sprintf("the dependency %s leads to %s, which does not exist", [dependency.name, dependency.target])
}

deny contains live.about_unit(rego.metadata.chain(), unit, message) if {
	some unit in input.units
	some dependency in unit.dependencies
	dependency.target == ""
	message := sprintf("the config_path of the dependency %s is no plain path of a unit", [dependency.name])
}
