# METADATA
# title: Only this repository's jobs take the deploy roles, and write from main only
# description: |
#   GitHub signs tokens for every repository there is: the audience and the repository must be compared, the
#   latter without wildcards. A pull request can edit any workflow, so that a role that writes asks for the
#   whole subject, with its environment, and for the workflow's file at main. The role whose name ends in
#   -plan reads, and may be taken by every job of the repository.
# related_resources:
#   - https://docs.github.com/en/actions/reference/security/oidc
# schemas:
#   - input: schema.plan
# custom:
#   id: IAM-005
#   severity: critical
#   remedy: Compare aud, sub and job_workflow_ref by StringEquals, as modules/deploy-roles does.
#   waivable: false
package plan.iam.federation

import data.lib.iam
import data.lib.plan

host := "token.actions.githubusercontent.com"

deny contains iam.finding(rego.metadata.chain(), statement, "another identity provider than GitHub") if {
	some statement in federated
	some principal in statement.principals
	principal.type == "Federated"
	not endswith(principal.value, concat("", [":oidc-provider/", host]))
}

deny contains iam.finding(rego.metadata.chain(), statement, "aud is not compared") if {
	some statement in federated
	exactly(statement, "aud") != {"sts.amazonaws.com"}
}

deny contains iam.finding(rego.metadata.chain(), statement, "sub does not name one repository") if {
	some statement in federated
	not names_repository(statement)
}

deny contains iam.finding(rego.metadata.chain(), statement, "sub does not name an environment") if {
	some statement in writing
	not names_environment(statement)
}

deny contains iam.finding(rego.metadata.chain(), statement, "job_workflow_ref is not a file at main") if {
	some statement in writing
	not names_workflow(statement)
}

federated := [statement |
	some statement in iam.allowing.trust
	some principal in statement.principals
	principal.type == "Federated"
]

writing := [statement | some statement in federated; not reads_only(statement.resource)]

reads_only(role) if endswith(plan.value(role, ["name"]), "-plan")

names_repository(statement) if {
	subjects := iam.compared(statement, claim("sub"))
	count(subjects) > 0
	every subject in subjects {
		regex.match(`^repo:[^*?:/]+/[^*?:/]+:`, subject)
	}
}

names_environment(statement) if {
	subjects := exactly(statement, "sub")
	count(subjects) > 0
	every subject in subjects {
		regex.match(`^[^*?]+:environment:[^*?]+$`, subject)
	}
}

names_workflow(statement) if {
	workflows := exactly(statement, "job_workflow_ref")
	count(workflows) > 0
	every workflow in workflows {
		regex.match(`^[^*?]+/\.github/workflows/[^*?]+@refs/heads/main$`, workflow)
	}
}

exactly(statement, name) := {value |
	some condition in statement.conditions
	condition.key == claim(name)
	condition.operator == "stringequals"
	some value in condition.values
}

claim(name) := concat(":", [host, name])
