# METADATA
# title: Roles hold the organisation's own policies only
# description: |
#   AWS writes its managed policies for everybody, with wildcards, and widens them without asking. What a
#   role may do stands in this repository.
# related_resources:
#   - https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html
# schemas:
#   - input: schema.plan
# custom:
#   id: IAM-007
#   severity: high
#   remedy: Write the statements that are needed into a policy of the module.
package plan.iam.managed_policies

import data.lib.plan

deny contains plan.finding(rego.metadata.chain(), attachment, sprintf("%s is a policy of AWS", [arn])) if {
	some attachment in plan.resources("aws_iam_role_policy_attachment")
	arn := plan.known(attachment, ["policy_arn"])
	regex.match(`^arn:aws[a-z-]*:iam::aws:policy/`, arn)
}

deny contains plan.finding(rego.metadata.chain(), role, sprintf("%s is a policy of AWS", [arn])) if {
	some role in plan.resources("aws_iam_role")
	some arn in plan.known(role, ["managed_policy_arns"])
	regex.match(`^arn:aws[a-z-]*:iam::aws:policy/`, arn)
}

# A new policy's ARN is unknown, but not that the module makes it.
undecided contains plan.finding(rego.metadata.chain(), attachment, "policy_arn is unknown") if {
	some attachment in plan.resources("aws_iam_role_policy_attachment")
	plan.unknown(attachment, ["policy_arn"])
	not plan.refers(attachment, "policy_arn", "aws_iam_policy")
}

undecided contains plan.finding(rego.metadata.chain(), role, "managed_policy_arns is unknown") if {
	some role in plan.resources("aws_iam_role")
	plan.unknown(role, ["managed_policy_arns"])
	plan.configured(role, "managed_policy_arns")
}
