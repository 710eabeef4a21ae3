# METADATA
# title: A unit is plain
# description: |
#   A unit says what it is: include, source, dependencies, inputs, and locals to read files in. Hooks, generated
#   files, another state or binary, extra arguments, retries and exclusions belong in root.hcl, or nowhere:
#   each is a way to run code in a plan, or to leave a unit out of what is reviewed.
# related_resources:
#   - https://terragrunt.gruntwork.io/docs/reference/hcl/blocks/
# schemas:
#   - input: schema.live
# custom:
#   id: UNIT-002
#   severity: critical
#   remedy: Take the block out of the unit.
#   waivable: false
package live.units.plain

import data.lib.live

allowed := {"include", "terraform", "locals", "dependency", "inputs"}

deny contains live.about_unit(rego.metadata.chain(), unit, message) if {
	some unit in input.units
	some key in unit.keys
	not key in allowed
	message := sprintf("%s does not belong in a unit", [key])
}

deny contains live.about_unit(rego.metadata.chain(), unit, message) if {
	some unit in input.units
	some block in unit.hcl.terraform
	some key in object.keys(block)
	key != "source"
	message := sprintf("terraform: %s does not belong in a unit", [key])
}
