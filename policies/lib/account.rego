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
# title: Where each account is named, by what
named contains {"address": address, "account": account, "by": name} if {
	some address, text in plan.texts
	some name in regex.find_n(pattern, text, -1)
	account := regex.find_n(`\d{12}`, name, 1)[0]
}

named contains {"address": statement.resource.address, "account": account, "by": account} if {
	some statement in iam.statements
	some principal in statement.principals
	principal.type == "AWS"
	account := principal.value
	regex.match(`^\d{12}$`, account)
}

named contains {"address": statement.resource.address, "account": account, "by": account} if {
	some statement in iam.statements
	some condition in statement.conditions
	condition.key in {"aws:principalaccount", "aws:resourceaccount", "aws:sourceaccount"}
	some account in condition.values
}

# METADATA
# title: What is named of other accounts than the unit's
others := {name | some name in named; name.account != input.unit.account_id}

pattern := concat("|", [
	`arn:aws[a-z-]*:[a-z0-9-]*:[a-z0-9-]*:\d{12}:[A-Za-z0-9_+=,.@/:*$-]*`,
	`arn:aws[a-z-]*:s3:::[a-z0-9.-]*-\d{12}\b`,
	`\b\d{12}\.dkr\.ecr\.[a-z0-9.-]+/[a-z0-9/_.-]*`,
])
