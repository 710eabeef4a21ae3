# METADATA
# title: Every unit includes root.hcl, as it is
# description: |
#   root.hcl holds the wall between accounts: the provider's role and allowed accounts, the state, the pins. A
#   unit that does not include it, includes another file too, or merges otherwise, stands outside.
# related_resources:
#   - https://terragrunt.gruntwork.io/docs/reference/hcl/blocks/#include
# schemas:
#   - input: schema.live
# custom:
#   id: UNIT-001
#   severity: critical
#   remedy: 'Include "root" with path = find_in_parent_folders("root.hcl") and expose = true, and nothing else.'
#   waivable: false
package live.units.root_included

import data.lib.live

deny contains live.about_unit(
	rego.metadata.chain(), unit,
	"it does not include root.hcl, exactly that and nothing else",
) if {
	some unit in input.units
	object.get(unit.hcl, "include", null) != {"root": [{
		"path": "${find_in_parent_folders(\"root.hcl\")}",
		"expose": true,
	}]}
}
