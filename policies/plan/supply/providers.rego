# METADATA
# title: Only known providers run
# description: |
#   A provider is a program that runs with the plan role's credentials when a pull request is planned, and
#   with the apply role's after it. Some exist to run anything at all: external, http, null, local.
# related_resources:
#   - https://developer.hashicorp.com/terraform/language/providers/requirements
# schemas:
#   - input: schema.plan
# custom:
#   id: SUPPLY-001
#   severity: critical
#   remedy: Do without the provider. A new one is declared in this rule, in a change of its own.
#   waivable: false
package plan.supply.providers

import data.lib.plan

# OpenTofu stands in for Terraform where that cannot be had, and has the same provider in its own registry.
allowed := {
	"registry.opentofu.org/hashicorp/aws",
	"registry.terraform.io/hashicorp/aws",
}

deny contains plan.general(rego.metadata.chain(), address, sprintf("%s is not allowed", [name])) if {
	some key, provider in input.configuration.provider_config
	name := provider.full_name
	not name in allowed
	address := sprintf("provider.%s", [key])
}

deny contains plan.finding(rego.metadata.chain(), resource, sprintf("%s is not allowed", [name])) if {
	some resource in input.resource_changes
	name := object.get(resource, "provider_name", "registry.terraform.io/hashicorp/aws")
	not name in allowed
}
