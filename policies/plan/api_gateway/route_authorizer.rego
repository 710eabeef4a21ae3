# METADATA
# title: Every route has the authorizer, but those that are declared open
# description: |
#   A client certificate says who calls; the token, bound to it, says what for. A route without the
#   authorizer answers every certificate that the truststore takes, a revoked one too. Open are the routes
#   by which a client gets its token and renews its certificate: their functions ask the registry
#   themselves.
# related_resources:
#   - https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
# schemas:
#   - input: schema.plan
# custom:
#   id: APIGW-005
#   severity: critical
#   remedy: Give the route authorization "authorizer"; an open one is declared in this rule, in a change of its own.
#   waivable: false
package plan.api_gateway.route_authorizer

import data.lib.plan

open_routes := {
	"GET /.well-known/est/cacerts", # RFC 7030: the CA's certificates, which are public
	"GET /.well-known/oauth-authorization-server", # RFC 8414: metadata, which is public
	"POST /.well-known/est/simplereenroll", # RFC 7030: the certificate is the credential
	"POST /token", # RFC 8705: the certificate is the credential
}

deny contains plan.finding(rego.metadata.chain(), route, message) if {
	some route in plan.resources("aws_apigatewayv2_route")
	plan.known(route, ["authorization_type"]) != "CUSTOM"
	key := plan.known(route, ["route_key"])
	not key in open_routes
	message := sprintf("%v has no authorizer", [key])
}

undecided contains plan.finding(rego.metadata.chain(), route, sprintf("%s is unknown", [name])) if {
	some route in plan.resources("aws_apigatewayv2_route")
	not certain(route)
	some name in ["authorization_type", "route_key"]
	plan.unknown(route, [name])
}

# With one of the two the other does not matter.
certain(route) if plan.known(route, ["authorization_type"]) == "CUSTOM"

certain(route) if plan.known(route, ["route_key"]) in open_routes
