# METADATA
# title: Nobody widens his own rights
# description: |
#   Who may write a role's policies has them. Such a right is bound to roles that carry the boundary, or to
#   a path of its own; a role is handed on to named services only; users and keys are made by nobody.
# related_resources:
#   - https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html#access_policies_boundaries-delegate
#   - https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
# schemas:
#   - input: schema.plan
# custom:
#   id: IAM-006
#   severity: critical
#   remedy: Compare iam:PermissionsBoundary with the boundary, or iam:PassedToService with the services.
package plan.iam.escalation

import data.lib.iam

# Whose request IAM judges by the role's boundary, and which write what a role may do.
bounded := {
	"iam:attachrolepolicy",
	"iam:createrole",
	"iam:deleterolepolicy",
	"iam:detachrolepolicy",
	"iam:putrolepermissionsboundary",
	"iam:putrolepolicy",
}

# Ways to rights that no boundary of the account limits.
forbidden := {
	"iam:addusertogroup",
	"iam:attachgrouppolicy",
	"iam:attachuserpolicy",
	"iam:createaccesskey",
	"iam:createloginprofile",
	"iam:createuser",
	"iam:deleterolepermissionsboundary",
	"iam:deleteuserpermissionsboundary",
	"iam:putgrouppolicy",
	"iam:putuserpolicy",
	"iam:setdefaultpolicyversion",
	"iam:updateloginprofile",
}

deny contains iam.finding(rego.metadata.chain(), statement, sprintf("%s is not bound to the boundary", [action])) if {
	some statement in iam.allowing.identity
	some action in statement.actions
	action in bounded
	iam.compared(statement, "iam:permissionsboundary") != {iam.boundary}
}

deny contains iam.finding(rego.metadata.chain(), statement, "iam:passrole is not bound to services") if {
	some statement in iam.allowing.identity
	"iam:passrole" in statement.actions
	not names_services(statement)
}

deny contains iam.finding(rego.metadata.chain(), statement, sprintf("%s is allowed", [action])) if {
	some statement in iam.allowing.identity
	some action in statement.actions
	action in forbidden
}

names_services(statement) if {
	services := iam.compared(statement, "iam:passedtoservice")
	count(services) > 0
	every service in services {
		not contains(service, "*")
	}
}
