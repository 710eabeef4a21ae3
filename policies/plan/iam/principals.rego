# METADATA
# title: Policies say whom they let in
# description: |
#   A principal * is everybody with an AWS account, and NotPrincipal everybody but one. Both are allowed only
#   where a condition names who may come: the organisation, an account, a role or the resource that calls.
#   Who takes a role is never left to a condition, and never a whole account without one.
# related_resources:
#   - https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
# schemas:
#   - input: schema.plan
# custom:
#   id: IAM-004
#   severity: critical
#   remedy: Name accounts or roles as principals, or compare aws:PrincipalArn or aws:PrincipalOrgID with named ones.
package plan.iam.principals

import data.lib.iam

# Keys whose value says who calls, and which the caller cannot choose.
identifying := {
	"aws:principalaccount", "aws:principalarn", "aws:principalorgid", "aws:principalorgpaths",
	"aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid",
}

deny contains iam.finding(rego.metadata.chain(), statement, "anybody is let in") if {
	some statement in iam.allowing.resource
	open(statement)
	not identifies(statement)
}

deny contains iam.finding(rego.metadata.chain(), statement, "anybody may take the role") if {
	some statement in iam.allowing.trust
	open(statement)
}

deny contains iam.finding(rego.metadata.chain(), statement, sprintf("all of %s may take the role", [principal])) if {
	some statement in iam.allowing.trust
	some principal in accounts(statement)
	not names_roles(statement)
}

open(statement) if {
	some principal in statement.principals
	contains(principal.value, "*")
}

open(statement) if "NotPrincipal" in statement.negations

identifies(statement) if {
	some key in identifying
	values := iam.compared(statement, key)
	count(values) > 0
	every value in values {
		not anybody(value)
	}
}

names_roles(statement) if {
	values := iam.compared(statement, "aws:principalarn")
	count(values) > 0
	every value in values {
		regex.match(`^arn:aws[a-z-]*:iam::\d{12}:(role|user)/[^*?]+$`, value)
	}
}

accounts(statement) := {principal.value |
	some principal in statement.principals
	principal.type == "AWS"
	regex.match(`^(\d{12}|arn:aws[a-z-]*:iam::\d{12}:root)$`, principal.value)
}

# A value that leaves the account or the organisation open.
anybody(value) if regex.match(`^[*?]*$|^o-[*?]|^arn:[^:]*:[^:]*:[^:]*:[^:]*[*?]`, value)
