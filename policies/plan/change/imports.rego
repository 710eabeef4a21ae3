# METADATA
# title: What exists elsewhere is not taken into a state by the way
# description: |
#   An import block makes another unit's resource this one's: nothing changes today, and the next plan may
#   change or delete it. It is said beside the plan, and in the last environment it takes a waiver.
# related_resources:
#   - https://developer.hashicorp.com/terraform/language/import
# schemas:
#   - input: schema.plan
# custom:
#   id: CHANGE-004
#   severity: high
#   remedy: Make sure that no other state holds it; where it is meant in the last environment, a waiver says so.
package plan.change.imports

import data.lib.plan

deny contains plan.finding(rego.metadata.chain(), resource, message) if {
	input.unit.last_environment
	some resource in imported
}

warn contains plan.finding(rego.metadata.chain(), resource, message) if {
	not input.unit.last_environment
	some resource in imported
}

message := "an object that exists is imported into this unit's state"

# Told by its being there: an id that is known only after the apply is an import all the same.
imported contains resource if {
	some resource in input.resource_changes
	object.get(resource.change, "importing", null) != null
}
