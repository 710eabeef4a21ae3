# METADATA
# title: HTTP APIs answer on their custom domain only
# description: |
#   The default execute-api endpoint asks for no client certificate: left on, it is a way around mutual TLS.
# related_resources:
#   - https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-disable-default-endpoint.html
# schemas:
#   - input: schema.plan
# custom:
#   id: APIGW-002
#   severity: critical
#   remedy: Set disable_execute_api_endpoint to true.
#   waivable: false
package plan.api_gateway.default_endpoint

import data.lib.plan

apis := plan.resources("aws_apigatewayv2_api")

setting := ["disable_execute_api_endpoint"]

deny contains plan.finding(rego.metadata.chain(), api, "the default endpoint is enabled") if {
	some api in apis
	not plan.unknown(api, setting)
	plan.value(api, setting) != true
}

undecided contains plan.finding(rego.metadata.chain(), api, "disable_execute_api_endpoint is unknown") if {
	some api in apis
	plan.unknown(api, setting)
}
