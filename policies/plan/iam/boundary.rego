# METADATA
# title: Roles of an environment carry the boundary
# description: |
#   The boundary is the most that a role made by the pipeline can ever do, whatever its policies say. A role
#   of an environment without it is one that the apply role may not even make.
# related_resources:
#   - https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
# schemas:
#   - input: schema.plan
# custom:
#   id: IAM-008
#   severity: high
#   remedy: Hand permissions_boundary_arn of root.hcl to the module.
package plan.iam.boundary

import data.lib.iam
import data.lib.plan

deny contains plan.finding(rego.metadata.chain(), role, "the role does not carry the boundary") if {
	some role in roles
	plan.known(role, ["permissions_boundary"]) != iam.boundary
}

undecided contains plan.finding(rego.metadata.chain(), role, "permissions_boundary is unknown") if {
	some role in roles
	plan.unknown(role, ["permissions_boundary"])
}

roles := [role |
	input.unit.environment in input.unit.promotion
	some role in plan.resources("aws_iam_role")
]
