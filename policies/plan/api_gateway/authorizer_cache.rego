# METADATA
# title: API Gateway does not cache what an authorizer decided
# description: |
#   The cache's key is made of the identity sources, and a client certificate cannot be one: with the cache
#   on, a stolen token passes with another certificate, and a revoked certificate until its entry expires.
# related_resources:
#   - https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
# schemas:
#   - input: schema.plan
# custom:
#   id: APIGW-003
#   severity: high
#   remedy: Set authorizer_result_ttl_in_seconds to 0; left out, AWS may take 300.
package plan.api_gateway.authorizer_cache

import data.lib.plan

authorizers := [authorizer |
	some authorizer in plan.resources("aws_apigatewayv2_authorizer")
	not plan.value(authorizer, ["authorizer_type"]) == "JWT" # has no cache of results
]

setting := ["authorizer_result_ttl_in_seconds"]

deny contains plan.finding(rego.metadata.chain(), authorizer, "results are cached") if {
	some authorizer in authorizers
	not plan.unknown(authorizer, setting)
	plan.value(authorizer, setting) != 0
}

undecided contains plan.finding(
	rego.metadata.chain(), authorizer,
	"authorizer_result_ttl_in_seconds is unknown or left to AWS",
) if {
	some authorizer in authorizers
	plan.unknown(authorizer, setting)
}
