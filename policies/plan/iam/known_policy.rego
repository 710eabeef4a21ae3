# METADATA
# title: A policy can be read when it is judged
# description: |
#   A policy is wholly unknown as soon as one ARN in it is, and then no rule about policies can look into it:
#   this one speaks for all of them. An inline policy of a role with the organisation's boundary is a warning
#   only, since the boundary limits what it can come to allow. A text that is no JSON is refused.
# related_resources:
#   - https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
#   - https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
# schemas:
#   - input: schema.plan
# custom:
#   id: IAM-001
#   severity: high
#   remedy: Build the ARNs in the policy from known names, account and region instead of a new resource's attribute.
package plan.iam.known_policy

import data.lib.iam
import data.lib.plan

deny contains plan.finding(rego.metadata.chain(), document.resource, message) if {
	some document in iam.unreadable
	message := sprintf("%s is no policy", [document.attribute])
}

undecided contains plan.finding(rego.metadata.chain(), policy.resource, message) if {
	some policy in iam.unknown
	not bounded(policy.resource)
	message := sprintf("%s is unknown", [policy.attribute])
}

warn contains plan.finding(rego.metadata.chain(), policy.resource, message) if {
	some policy in iam.unknown
	bounded(policy.resource)
	message := sprintf("%s is unknown, within the boundary", [policy.attribute])
}

bounded(policy) if {
	policy.type == "aws_iam_role_policy"
	some role in plan.resources("aws_iam_role")
	plan.names(policy, "role", role, "name")
	plan.known(role, ["permissions_boundary"]) == iam.boundary
}
