# METADATA
# title: Stages are throttled and write an access log
# description: |
#   Without a limit one client can take the whole account's share of requests; without an access log nobody
#   can tell afterwards which certificate called.
# related_resources:
#   - https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html
#   - https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging.html
# schemas:
#   - input: schema.plan
# custom:
#   id: APIGW-006
#   severity: medium
#   remedy: Set the throttling limits in default_route_settings, and access_log_settings.
package plan.api_gateway.stage

import data.lib.plan

settings := {
	"access log": ["access_log_settings", 0, "format"],
	"burst limit": ["default_route_settings", 0, "throttling_burst_limit"],
	"rate limit": ["default_route_settings", 0, "throttling_rate_limit"],
}

warn contains plan.finding(rego.metadata.chain(), stage, sprintf("there is no %s", [name])) if {
	some stage in plan.resources("aws_apigatewayv2_stage")
	some name, path in settings
	plan.known(stage, path) in {null, 0, ""}
}

undecided contains plan.finding(rego.metadata.chain(), stage, sprintf("the %s is unknown", [name])) if {
	some stage in plan.resources("aws_apigatewayv2_stage")
	some name, path in settings
	plan.unknown(stage, path)
}
