# METADATA
# title: Accounts meet where it is declared, and nowhere else
# description: |
#   The certificate authority's account and the environments' meet in a few roles: a ceremony and the issuing
#   functions write a registry, an environment's renewal function asks its issuer. Every other name of
#   another account is a connection that nobody has thought through.
# related_resources:
#   - https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
# schemas:
#   - input: schema.plan
# custom:
#   id: ACCOUNT-002
#   severity: critical
#   remedy: Name the unit's own account. A new meeting of accounts is declared in this rule, in a change of its own.
package plan.account.crossing

import data.lib.account
import data.lib.plan

# The roles of an account that another may name. Who may take them, their own trust says; an account's root
# as principal is judged by IAM-004, which asks for the roles' names.
roles := {
	"security": ["ceremony", "{environment}-crl", "{environment}-issuer", "{environment}-issuer-invoker"],
	"workload": ["{environment}-est", "{environment}-pki-reader", "{environment}-pki-writer"],
}

deny contains plan.general(rego.metadata.chain(), name.address, message) if {
	some name in account.others
	some owner, id in input.unit.accounts
	id == name.account
	not name.by in object.get(declared, owner, set())
	message := sprintf("%s is of the account %s", [name.by, owner])
}

# Between two accounts with environments there is nothing.
declared[owner] contains arn if {
	some owner, id in input.unit.accounts
	"security" in {owner, input.unit.account}
	some name in names[side(owner)]
	arn := sprintf("arn:aws:iam::%s:%s", [id, name])
}

side("security") := "security"

side(account) := "workload" if account != "security"

names[side] contains "root" if some side in object.keys(roles)

names[side] contains sprintf("role/%s-%s", [input.unit.organization, role]) if {
	some side, patterns in roles
	some pattern in patterns
	some environment in input.unit.promotion
	role := replace(pattern, "{environment}", environment)
}
