# METADATA
# title: No data source runs code or reads secrets
# description: |
#   Data sources are read during the plan. `external` runs a program, `http` tells anybody anything, an
#   invocation runs a function, and a secret that is read stands in plan and state.
# related_resources:
#   - https://developer.hashicorp.com/terraform/language/data-sources
# schemas:
#   - input: schema.live
# custom:
#   id: CODE-004
#   severity: critical
#   remedy: Hand the value in as an input, or read it where it is used.
#   waivable: false
package live.code.data_sources

import data.lib.live

forbidden := {
	"external",
	"http",
	"local_file",
	"local_sensitive_file",
	"terraform_remote_state",
	"aws_lambda_invocation",
	"aws_kms_secret",
	"aws_kms_secrets",
	"aws_secretsmanager_secret_version",
	"aws_secretsmanager_random_password",
	"aws_ssm_parameter",
	"aws_ssm_parameters_by_path",
	"aws_s3_object",
	"aws_eks_cluster_auth",
	"aws_ecr_authorization_token",
}

deny contains live.about_module(rego.metadata.chain(), module, source, message) if {
	some module in input.modules
	some source in module.data
	source.type in forbidden
	message := sprintf("it reads %s while it is planned", [source.type])
}
