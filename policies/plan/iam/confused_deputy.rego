# METADATA
# title: A service comes for this account only
# description: |
#   AWS services act for every account: one that may be sent here by another account is a confused deputy.
#   aws:SourceAccount or aws:SourceArn tells them apart. Lambda assumes a role only for a function of the
#   role's own account, and needs neither.
# related_resources:
#   - https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
# schemas:
#   - input: schema.plan
# custom:
#   id: IAM-009
#   severity: medium
#   remedy: Compare aws:SourceAccount with the account, or aws:SourceArn with the resource.
package plan.iam.confused_deputy

import data.lib.iam

safe := {"lambda.amazonaws.com"}

warn contains iam.finding(rego.metadata.chain(), statement, sprintf("%s may come for any account", [service])) if {
	some statement in array.concat(iam.allowing.trust, iam.allowing.resource)
	some principal in statement.principals
	principal.type == "Service"
	service := principal.value
	not service in safe
	count(iam.compared(statement, "aws:sourceaccount") | iam.compared(statement, "aws:sourcearn")) == 0
}
