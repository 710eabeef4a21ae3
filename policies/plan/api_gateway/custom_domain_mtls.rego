# METADATA
# title: Custom domains ask for a client certificate, against a pinned truststore
# description: |
#   A domain without mutual TLS lets anybody in. One without a truststore version takes whatever object is
#   newest when the domain next changes, so that a change of trust happens unseen.
# related_resources:
#   - https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-mutual-tls.html
# schemas:
#   - input: schema.plan
# custom:
#   id: APIGW-001
#   severity: critical
#   remedy: Set truststore_uri and truststore_version in mutual_tls_authentication.
#   waivable: false
package plan.api_gateway.custom_domain_mtls

import data.lib.plan

domains := plan.resources("aws_apigatewayv2_domain_name")

settings := {
	"truststore_uri": ["mutual_tls_authentication", 0, "truststore_uri"],
	"truststore_version": ["mutual_tls_authentication", 0, "truststore_version"],
}

deny contains plan.finding(rego.metadata.chain(), domain, sprintf("%s is not set", [name])) if {
	some domain in domains
	some name, path in settings
	not plan.unknown(domain, path)
	plan.value(domain, path) in {null, ""}
}

undecided contains plan.finding(rego.metadata.chain(), domain, sprintf("%s is unknown", [name])) if {
	some domain in domains
	some name, path in settings
	plan.unknown(domain, path)
}
