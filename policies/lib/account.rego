# METADATA
# title: Which accounts a plan names
# description: |
#   In the ARNs of planned values, the registries of images, the principals of policies and the conditions
#   that compare accounts. Other runs of twelve digits are no accounts.
# schemas:
#   - input: schema.plan
package lib.account

import data.lib.iam
import data.lib.plan

# METADATA
# title: Where each other account is named, by what
# scope: document
others contains {"address": address, "account": account, "by": name} if {
	some account in strangers
	some address, text in plan.texts
	contains(text, account)
	some name in regex.find_n(sprintf(full, [account, account, account]), text, -1)
}

others contains {"address": statement.resource.address, "account": account, "by": account} if {
	some statement in iam.statements
	some principal in statement.principals
	principal.type == "AWS"
	account := principal.value
	regex.match(`^\d{12}$`, account)
	account != input.unit.account_id
}

others contains {"address": statement.resource.address, "account": account, "by": account} if {
	some statement in iam.statements
	some condition in statement.conditions
	condition.key in {"aws:principalaccount", "aws:resourceaccount", "aws:sourceaccount"}
	some account in condition.values
	account != input.unit.account_id
}

# Looked for in all texts at once: nearly always there is none but the unit's own.
strangers contains account if {
	some name in {name | some name in regex.find_n(arn, plan.all_text, -1)}
	account := substring(name, count(name) - 12, 12)
	account != input.unit.account_id
}

strangers contains account if {
	contains(plan.all_text, ".dkr.ecr.")
	some name in regex.find_n(`\b\d{12}\.dkr\.ecr\.`, plan.all_text, -1)
	account := substring(name, 0, 12)
	account != input.unit.account_id
}

# Begins with a literal, which is found many times faster than digits are.
arn := `arn:aws[a-z-]*:(?:s3:::[a-z0-9.-]*-|[a-z0-9-]*:[a-z0-9-]*:)\d{12}`

full := concat("|", [
	`arn:aws[a-z-]*:[a-z0-9-]*:[a-z0-9-]*:%s:[A-Za-z0-9_+=,.@/:*$-]*`,
	`arn:aws[a-z-]*:s3:::[a-z0-9.-]*-%s\b`,
	`\b%s\.dkr\.ecr\.[a-z0-9.-]+/[a-z0-9/_.-]*`,
])
