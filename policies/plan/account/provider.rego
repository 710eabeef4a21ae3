# METADATA
# title: The provider works in the unit's own account only
# description: |
#   allowed_account_ids makes the provider refuse credentials of another account, whoever holds them: the wall
#   that stands when a role, a profile or a path was mixed up. It is a constant, and exactly one account.
# related_resources:
#   - https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs#allowed_account_ids-1
# schemas:
#   - input: schema.plan
# custom:
#   id: ACCOUNT-003
#   severity: critical
#   remedy: Leave the provider to root.hcl, and write none in a module.
#   waivable: false
package plan.account.provider

import data.lib.plan

deny contains plan.general(rego.metadata.chain(), address, "allowed_account_ids is not the unit's account") if {
	some address, provider in judged
	object.get(provider, ["expressions", "allowed_account_ids", "constant_value"], []) != [input.unit.account_id]
}

deny contains plan.general(rego.metadata.chain(), address, sprintf("the region is not %s", [input.unit.region])) if {
	some address, provider in judged
	object.get(provider, ["expressions", "region", "constant_value"], "") != input.unit.region
}

deny contains plan.general(rego.metadata.chain(), address, sprintf("%s is a role of another account", [role])) if {
	some address, provider in judged
	some block in ["assume_role", "assume_role_with_web_identity"]
	some session in object.get(provider, ["expressions", block], [])
	role := object.get(session, ["role_arn", "constant_value"], "unknown")
	not startswith(role, sprintf("arn:aws:iam::%s:role/", [input.unit.account_id]))
}

deny contains plan.general(rego.metadata.chain(), address, "endpoints are set in the code") if {
	some address, provider in judged
	object.get(provider, ["expressions", "endpoints"], null) != null
}

# A module that only asks for a provider has an entry without expressions.
judged[address] := provider if {
	some key, provider in input.configuration.provider_config
	provider.name == "aws"
	provider.expressions
	address := sprintf("provider.%s", [key])
}

# Without a provider of its own, a unit that has resources would take whatever credentials there are.
judged["provider.aws"] := {} if {
	count(plan.existing) > 0
	not root_provider
}

root_provider if input.configuration.provider_config.aws.expressions
