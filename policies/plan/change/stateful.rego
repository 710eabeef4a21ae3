# METADATA
# title: What cannot be made again is neither deleted nor replaced
# description: |
#   The registry, the CA's keys, every bucket, user pool and zone hold what no plan can bring back. Their
#   modules say prevent_destroy, but a plan's JSON does not tell whether they do, and a block that is taken
#   out of the code takes its protection along: so the deletion itself is judged, and letting Terraform
#   forget one as well. Only a waiver lets one go.
# related_resources:
#   - https://developer.hashicorp.com/terraform/language/meta-arguments/lifecycle#prevent_destroy
# schemas:
#   - input: schema.plan
# custom:
#   id: CHANGE-001
#   severity: critical
#   remedy: Take the change back; to move a resource use a moved block. A farewell that is meant needs a waiver.
package plan.change.stateful

import data.lib.plan

types := {
	"aws_cognito_user_pool",
	"aws_dynamodb_table",
	"aws_route53_zone",
	"aws_s3_bucket",
}

deny contains plan.finding(rego.metadata.chain(), loss.resource, message) if {
	some loss in plan.losses
	cannot_be_made_again(loss.resource)
	message := sprintf("%s of what cannot be made again", [loss.word])
}

cannot_be_made_again(resource) if resource.type in types

# What is signed or encrypted hangs on them. A MAC key's tokens live for minutes.
cannot_be_made_again(resource) if {
	resource.type == "aws_kms_key"
	resource.change.before.key_usage == "SIGN_VERIFY"
}

cannot_be_made_again(resource) if {
	resource.type == "aws_kms_key"
	input.unit.environment in {"account", "ca"}
}
