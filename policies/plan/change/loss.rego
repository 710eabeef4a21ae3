# METADATA
# title: A reviewer sees what goes
# description: |
#   A plan of a hundred lines hides the one that says destroyed. What is deleted or replaced is said beside it,
#   in every environment.
# related_resources:
#   - https://developer.hashicorp.com/terraform/internals/json-format#change-representation
# schemas:
#   - input: schema.plan
# custom:
#   id: CHANGE-003
#   severity: low
#   remedy: Make sure that it is meant.
package plan.change.loss

import data.lib.plan

warn contains plan.finding(rego.metadata.chain(), loss.resource, loss.word) if some loss in plan.losses
