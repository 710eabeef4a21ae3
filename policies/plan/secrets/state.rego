# METADATA
# title: No secret comes into state
# description: |
#   Whoever reads state or a plan reads every attribute in it. A resource that makes or holds a secret puts it
#   there: keys and secrets are made by who needs them, and read at run time.
# related_resources:
#   - https://developer.hashicorp.com/terraform/language/manage-sensitive-data
# schemas:
#   - input: schema.plan
# custom:
#   id: SECRETS-001
#   severity: high
#   remedy: Let the service make the secret, as the app clients' stack does, or write it with a command of pki/.
package plan.secrets.state

import data.lib.plan

holders := {
	"aws_acm_certificate": "private_key",
	"aws_cognito_user_pool_client": "client_secret",
	"aws_iam_access_key": "secret",
	"aws_iam_user_login_profile": "password",
	"aws_lightsail_key_pair": "private_key",
	"aws_secretsmanager_secret_version": "secret_string",
}

# Attributes without which the resource holds no secret.
optional_secrets := {"aws_acm_certificate", "aws_secretsmanager_secret_version"}

deny contains plan.finding(rego.metadata.chain(), resource, sprintf("%s is kept in state", [attribute])) if {
	some type, attribute in holders
	some resource in plan.resources(type)
	not without(resource, attribute)
}

deny contains plan.finding(rego.metadata.chain(), parameter, "the value of a SecureString is kept in state") if {
	some parameter in plan.resources("aws_ssm_parameter")
	plan.known(parameter, ["type"]) == "SecureString"
	not without(parameter, "value")
}

undecided contains plan.finding(rego.metadata.chain(), parameter, "type is unknown") if {
	some parameter in plan.resources("aws_ssm_parameter")
	plan.unknown(parameter, ["type"])
}

without(resource, attribute) if {
	resource.type in (optional_secrets | {"aws_ssm_parameter"})
	plan.known(resource, [attribute]) in {null, ""}
}
