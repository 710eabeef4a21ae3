# METADATA
# title: Modules use the AWS provider alone
# description: |
#   A provider is a program that init downloads and plan runs, with the credentials of the plan. A type that
#   no listed provider has makes Terraform look for a provider by its prefix.
# related_resources:
#   - https://developer.hashicorp.com/terraform/language/providers/requirements
# schemas:
#   - input: schema.live
# custom:
#   id: CODE-003
#   severity: critical
#   remedy: Do it with hashicorp/aws, or have the list of this rule changed by its owners.
#   waivable: false
package live.code.providers

import data.lib.live

allowed := {"hashicorp/aws", "registry.terraform.io/hashicorp/aws"}

deny contains live.about_module(rego.metadata.chain(), module, provider, message) if {
	some module in input.modules
	some provider in module.providers
	not is_allowed(provider)
	message := sprintf("it requires the provider %s from %v", [provider.name, json.marshal(provider.source)])
}

deny contains live.about_module(rego.metadata.chain(), module, block, message) if {
	some module in input.modules
	some block in array.concat(module.resources, module.data)
	not startswith(block.type, "aws_")
	message := sprintf("%s is of another provider", [block.type])
}

is_allowed(provider) if {
	provider.name == "aws"
	provider.source in allowed
}
