# METADATA
# title: Nothing is deleted or replaced in the last environment by the way
# description: |
#   A replacement is an outage, and often hides in a change of a name. In the environment that serves, nothing
#   goes unless the run was made to destroy, with its label and its own approval, or a waiver says so.
# related_resources:
#   - https://developer.hashicorp.com/terraform/internals/json-format#change-representation
# schemas:
#   - input: schema.plan
# custom:
#   id: CHANGE-002
#   severity: high
#   remedy: Make the change in place, or in two steps; a deletion that is meant is a run of its own, with the label.
package plan.change.last_environment

import data.lib.plan

deny contains plan.finding(rego.metadata.chain(), loss.resource, message) if {
	input.unit.last_environment
	not input.unit.destroy
	some loss in plan.losses
	message := sprintf("%s in the last environment", [loss.word])
}
