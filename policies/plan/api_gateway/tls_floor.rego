# METADATA
# title: Custom domains speak TLS 1.2 or newer
# description: |
#   API Gateway's older security policy takes TLS 1.0 and 1.1, whose ciphers are broken, and hands the
#   client's certificate over in clear text.
# related_resources:
#   - https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-custom-domain-tls-version.html
# schemas:
#   - input: schema.plan
# custom:
#   id: APIGW-004
#   severity: high
#   remedy: Set security_policy to TLS_1_2 in domain_name_configuration.
package plan.api_gateway.tls_floor

import data.lib.plan

setting := ["domain_name_configuration", 0, "security_policy"]

deny contains plan.finding(rego.metadata.chain(), domain, "security_policy is not TLS_1_2") if {
	some domain in plan.resources("aws_apigatewayv2_domain_name")
	plan.known(domain, setting) != "TLS_1_2"
}

undecided contains plan.finding(rego.metadata.chain(), domain, "security_policy is unknown") if {
	some domain in plan.resources("aws_apigatewayv2_domain_name")
	plan.unknown(domain, setting)
}
