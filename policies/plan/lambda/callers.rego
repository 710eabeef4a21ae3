# METADATA
# title: Functions are called by one service, on behalf of one resource
# description: |
#   A permission without a source lets the service come for anybody's API or user pool. A function's URL goes
#   around the API, its certificate and its authorizer altogether.
# related_resources:
#   - https://docs.aws.amazon.com/lambda/latest/dg/permissions-function-services.html
#   - https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
# schemas:
#   - input: schema.plan
# custom:
#   id: LAMBDA-003
#   severity: critical
#   remedy: Set principal to a service, and source_arn to the resource that calls; remove the function's URL.
package plan.lambda.callers

import data.lib.plan

deny contains plan.finding(rego.metadata.chain(), permission, message) if {
	some permission in plan.resources("aws_lambda_permission")
	principal := plan.known(permission, ["principal"])
	not endswith(principal, ".amazonaws.com")
	message := sprintf("%s is no service", [principal])
}

deny contains plan.finding(rego.metadata.chain(), permission, "source_arn is not set") if {
	some permission in plan.resources("aws_lambda_permission")
	plan.known(permission, ["source_arn"]) in {null, "", "*"}
}

deny contains plan.finding(rego.metadata.chain(), permission, sprintf("%s is allowed", [action])) if {
	some permission in plan.resources("aws_lambda_permission")
	action := plan.known(permission, ["action"])
	action != "lambda:InvokeFunction"
}

deny contains plan.finding(rego.metadata.chain(), url, "the function answers on a URL of its own") if {
	some url in plan.resources("aws_lambda_function_url")
}

undecided contains plan.finding(rego.metadata.chain(), permission, sprintf("%s is unknown", [name])) if {
	some permission in plan.resources("aws_lambda_permission")
	some name in ["action", "principal"]
	plan.unknown(permission, [name])
}

# A new API's ARN is unknown, but not that it is the source.
undecided contains plan.finding(rego.metadata.chain(), permission, "source_arn is unknown") if {
	some permission in plan.resources("aws_lambda_permission")
	plan.unknown(permission, ["source_arn"])
	not made_here(permission)
}

made_here(permission) if {
	some type in ["aws_apigatewayv2_api", "aws_cognito_user_pool", "aws_cloudwatch_event_rule"]
	plan.refers(permission, "source_arn", type)
}
