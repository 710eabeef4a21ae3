# METADATA
# title: Planning runs nothing, and fetches no secret
# description: |
#   A data source is read while a pull request is planned, before anybody has approved it. Some run a program,
#   a function or a request to anywhere; others put a secret into state and plan.
# related_resources:
#   - https://developer.hashicorp.com/terraform/language/data-sources
# schemas:
#   - input: schema.plan
# custom:
#   id: SUPPLY-002
#   severity: critical
#   remedy: Hand the value to the module as an input, or let the function that needs the secret read it.
#   waivable: false
package plan.supply.data_sources

import data.lib.plan

forbidden := {
	"aws_cloudcontrolapi_resource",
	"aws_ecr_authorization_token",
	"aws_eks_cluster_auth",
	"aws_kms_secret",
	"aws_kms_secrets",
	"aws_lambda_invocation",
	"aws_s3_object",
	"aws_secretsmanager_random_password",
	"aws_secretsmanager_secret_version",
	"aws_secretsmanager_secret_versions",
	"external",
	"http",
	"terraform_remote_state",
}

deny contains plan.general(rego.metadata.chain(), address, sprintf("data source %s", [source.type])) if {
	some address, source in plan.configuration
	source.mode == "data"
	source.type in forbidden
}

deny contains plan.finding(rego.metadata.chain(), source, sprintf("data source %s", [source.type])) if {
	some source in input.resource_changes
	source.mode == "data"
	source.type in forbidden
}

# A parameter may be a secret: then it is asked for without decryption.
deny contains plan.general(rego.metadata.chain(), address, "aws_ssm_parameter with decryption") if {
	some address, source in plan.configuration
	source.mode == "data"
	source.type == "aws_ssm_parameter"
	object.get(source, ["expressions", "with_decryption", "constant_value"], true) != false
}
