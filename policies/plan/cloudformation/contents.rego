# METADATA
# title: A stack makes what it is there for, and nothing else
# description: |
#   What a CloudFormation template makes is seen by no other rule. One is used, for Cognito's app clients and
#   their secrets, which it keeps out of Terraform's state. It gets neither capabilities, without which it can
#   make no IAM, nor a role of its own: so one that is unknown until the user pool exists is a warning.
# related_resources:
#   - https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
# schemas:
#   - input: schema.plan
# custom:
#   id: CFN-001
#   severity: high
#   remedy: Make it with Terraform. A kind of resource that only a stack can make is declared in this rule.
package plan.cloudformation.contents

import data.lib.plan

allowed := {"AWS::Cognito::UserPoolClient", "AWS::SecretsManager::Secret"}

stacks := plan.resources("aws_cloudformation_stack")

deny contains plan.finding(rego.metadata.chain(), stack, sprintf("the stack makes %s", [type])) if {
	some stack in stacks
	some type in types(plan.known(stack, ["template_body"]))
	not type in allowed
}

deny contains plan.finding(rego.metadata.chain(), stack, "the template is not written as JSON in the plan") if {
	some stack in stacks
	not plan.unknown(stack, ["template_body"])
	not readable(plan.value(stack, ["template_body"]))
}

deny contains plan.finding(rego.metadata.chain(), stack, sprintf("%s is set", [name])) if {
	some stack in stacks
	some name in ["capabilities", "iam_role_arn"]
	not plan.known(stack, [name]) in {null, "", []}
}

warn contains plan.finding(rego.metadata.chain(), stack, "the template is unknown, and makes no IAM") if {
	some stack in stacks
	plan.unknown(stack, ["template_body"])
	plan.configured(stack, "template_body")
}

undecided contains plan.finding(rego.metadata.chain(), stack, sprintf("%s is unknown", [name])) if {
	some stack in stacks
	some name in ["capabilities", "iam_role_arn"]
	plan.unknown(stack, [name])
}

# Filled in by AWS from a template that lies elsewhere.
undecided contains plan.finding(rego.metadata.chain(), stack, "the template is not in the plan") if {
	some stack in stacks
	plan.unknown(stack, ["template_body"])
	not plan.configured(stack, "template_body")
}

types(template) := {resource.Type | some resource in json.unmarshal(template).Resources}

readable(template) if is_object(json.unmarshal(template).Resources)
