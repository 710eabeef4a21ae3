# METADATA
# title: There is one front door, and it asks for a certificate
# description: |
#   API Gateway's HTTP API with its custom domain is the way in. A REST API, a load balancer, a distribution
#   or a web site beside it answers to anybody, and knows nothing of the truststore.
# related_resources:
#   - https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-mutual-tls.html
# schemas:
#   - input: schema.plan
# custom:
#   id: EXPOSURE-001
#   severity: critical
#   remedy: Serve it as a route of the HTTP API. Another door is a decision of its own, with a waiver.
package plan.exposure.front_door

import data.lib.plan

doors := {
	"aws_alb",
	"aws_api_gateway_rest_api",
	"aws_apprunner_service",
	"aws_appsync_graphql_api",
	"aws_cloudfront_distribution",
	"aws_elb",
	"aws_globalaccelerator_accelerator",
	"aws_lb",
	"aws_lightsail_instance",
	"aws_s3_bucket_website_configuration",
	"aws_transfer_server",
}

deny contains plan.finding(rego.metadata.chain(), resource, sprintf("%s is another way in", [type])) if {
	some type in doors
	some resource in plan.resources(type)
}

deny contains plan.finding(rego.metadata.chain(), api, "a WebSocket API knows no mutual TLS") if {
	some api in plan.resources("aws_apigatewayv2_api")
	plan.known(api, ["protocol_type"]) != "HTTP"
}

deny contains plan.finding(rego.metadata.chain(), instance, "the instance has a public address") if {
	some instance in plan.resources("aws_instance")
	plan.known(instance, ["associate_public_ip_address"]) == true
}

undecided contains plan.finding(rego.metadata.chain(), api, "protocol_type is unknown") if {
	some api in plan.resources("aws_apigatewayv2_api")
	plan.unknown(api, ["protocol_type"])
}

undecided contains plan.finding(rego.metadata.chain(), instance, "associate_public_ip_address is unknown") if {
	some instance in plan.resources("aws_instance")
	plan.unknown(instance, ["associate_public_ip_address"])
}
