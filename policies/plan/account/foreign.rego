# METADATA
# title: Nothing names an account outside the organisation
# description: |
#   An ARN of an account that live/organization.yaml does not know is a mistake, or a way out: of data, of
#   trust or of the code that runs. What is unknown in a plan is made by AWS in the account itself; a policy
#   that is unknown is IAM-001's.
# related_resources:
#   - https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
# schemas:
#   - input: schema.plan
# custom:
#   id: ACCOUNT-001
#   severity: critical
#   remedy: Name the organisation's own accounts only; a new one is added to live/organization.yaml first.
#   waivable: false
package plan.account.foreign

import data.lib.account
import data.lib.plan

deny contains plan.general(rego.metadata.chain(), name.address, message) if {
	some name in account.others
	not name.account in own
	message := sprintf("%s is of account %s, which is not the organisation's", [name.by, name.account])
}

own := {id | some id in input.unit.accounts}
