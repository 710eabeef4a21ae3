# METADATA
# title: What keeps state cannot be destroyed by a plan
# description: |
#   Registry, CA keys, truststores, user pool and state cannot be had back, or only with every client's
#   certificate: `prevent_destroy` refuses a plan that would destroy or replace them, whoever approved it.
# related_resources:
#   - https://developer.hashicorp.com/terraform/language/meta-arguments/lifecycle#prevent_destroy
# schemas:
#   - input: schema.live
# custom:
#   id: MODULE-001
#   severity: high
#   remedy: Add lifecycle { prevent_destroy = true } to the resource.
package live.modules.prevent_destroy

import data.lib.live

stateful := {"aws_cognito_user_pool", "aws_dynamodb_table", "aws_s3_bucket"}

deny contains live.about_module(
	rego.metadata.chain(), module, resource,
	"it keeps what cannot be had back, and a plan may destroy it",
) if {
	some module in input.modules
	some resource in module.resources
	keeps(resource)
	resource.prevent_destroy != true
}

keeps(resource) if resource.type in stateful

# A CA's key is one to sign with. Where an expression says what a key is for, it may be one.
keeps(resource) if {
	resource.type == "aws_kms_key"
	resource.key_usage == "SIGN_VERIFY"
}

keeps(resource) if {
	resource.type == "aws_kms_key"
	startswith(resource.key_usage, "${")
}
