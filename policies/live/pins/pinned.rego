# METADATA
# title: Every unit's module has a pin
# description: |
#   A unit takes its module at the version that its environment's versions.hcl names. Without a line there,
#   nothing says which code the unit is.
# related_resources:
#   - https://terragrunt.gruntwork.io/docs/reference/hcl/blocks/#terraform
# schemas:
#   - input: schema.live
# custom:
#   id: PIN-004
#   severity: high
#   remedy: Add the module to versions.hcl of the unit's environment.
package live.pins.pinned

import data.lib.live

deny contains live.about_unit(rego.metadata.chain(), unit, message) if {
	some unit in input.units
	unit.module != ""
	not has_pin(unit)
	message := sprintf("the module %s has no pin in %s/versions.hcl", [unit.module, live.folder_of(unit.path)])
}

has_pin(unit) if unit.module in object.keys(live.home(unit).versions)
