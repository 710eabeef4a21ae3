# METADATA
# title: IAM policies name the resources they allow
# description: |
#   An ARN says region and account, where its service has them, and at least how the name begins: on an
#   account shared by environments a bare wildcard is everybody's data. Exempt are actions for which AWS
#   knows no resource, and kinds of resources whose names AWS makes up, such as keys. A boundary grants
#   nothing, and may leave the account open to the roles that it bounds.
# related_resources:
#   - https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
#   - https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
# schemas:
#   - input: schema.plan
# custom:
#   id: IAM-003
#   severity: high
#   remedy: Name the resource by its ARN. An action that takes none is declared in this rule.
package plan.iam.wildcard_resources

import data.lib.iam

# Beside these, Describe* and List* of every service but S3, where they list objects.
without_resource := {
	"cloudtrail:lookupevents",
	"cognito-idp:createuserpool",
	"kms:createkey",
	"logs:createlogdelivery",
	"logs:deletelogdelivery",
	"logs:getlogdelivery",
	"logs:putresourcepolicy",
	"logs:updatelogdelivery",
	"route53:createhealthcheck",
	"route53:createhostedzone",
	"sns:getsubscriptionattributes",
	"sns:setsubscriptionattributes",
	"sns:unsubscribe",
	"xray:puttelemetryrecords",
	"xray:puttracesegments",
}

# Kinds whose names AWS makes up: a policy that precedes them can only name the kind.
unnamed := {
	"acm:certificate",
	"apigateway:apis",
	"apigateway:domainnames",
	"apigateway:tags",
	"cognito-idp:userpool",
	"kms:key",
	"route53:change",
	"route53:healthcheck",
	"route53:hostedzone",
}

deny contains iam.finding(rego.metadata.chain(), statement, message) if {
	some statement in iam.allowing.identity
	"*" in statement.resources
	some action in statement.actions
	not takes_no_resource(action)
	message := sprintf("%s is allowed on every resource", [action])
}

deny contains iam.finding(rego.metadata.chain(), statement, sprintf("%s leaves region or account open", [arn])) if {
	some statement in iam.allowing.identity
	some arn in statement.resources
	arn != "*"
	regex.match(`[*?]`, place(arn))
	not bounds_roles_elsewhere(statement, arn)
}

deny contains iam.finding(rego.metadata.chain(), statement, sprintf("%s is every resource of its kind", [arn])) if {
	some statement in iam.allowing.identity
	some arn in statement.resources
	arn != "*"
	regex.match(`^/?([a-z-]+[:/])?[*?:/]*[*?][*?:/]*$`, name(arn))
	not kind(arn) in unnamed
	some action in statement.actions
	startswith(action, concat("", [service(arn), ":"]))
	not takes_no_resource(action)
}

takes_no_resource(action) if action in without_resource

takes_no_resource(action) if {
	regex.match(`^[a-z0-9-]+:(describe|list)[a-z]*\*?$`, action)
	not startswith(action, "s3:")
}

bounds_roles_elsewhere(statement, arn) if {
	statement.resource.type == "aws_iam_policy"
	endswith(iam.boundary, concat("", [":policy/", statement.resource.change.after.name]))
	regex.match(`^arn:aws[a-z-]*:iam::\*:role/[a-z]`, arn)
}

# Partition, service, region and account.
place(arn) := concat(":", array.slice(split(arn, ":"), 0, 5))

name(arn) := concat(":", array.slice(split(arn, ":"), 5, count(split(arn, ":"))))

service(arn) := split(arn, ":")[2]

kind(arn) := concat(":", [service(arn), regex.split(`[:/]`, trim_prefix(name(arn), "/"))[0]])
