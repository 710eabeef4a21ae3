# METADATA
# title: A unit takes its module from the pins
# description: |
#   The source comes from root.hcl's list, which versions.hcl fills: so that every pin is seen, held against
#   the environment before it, and promoted as one line.
# related_resources:
#   - https://terragrunt.gruntwork.io/docs/reference/hcl/blocks/#terraform
# schemas:
#   - input: schema.live
# custom:
#   id: UNIT-003
#   severity: critical
#   remedy: 'Write source = include.root.locals.sources["<module>"], once.'
#   waivable: false
package live.units.source

import data.lib.live

deny contains live.about_unit(
	rego.metadata.chain(), unit,
	"the source is not one of include.root.locals.sources",
) if {
	some unit in input.units
	not taken_from_pins(unit)
}

taken_from_pins(unit) if {
	unit.module != ""
	count(unit.hcl.terraform) == 1
}
