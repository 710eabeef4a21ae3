# METADATA
# title: A key that signs, signs for named roles only
# description: |
#   Who signs with a CA's key makes certificates. Its policy allows Sign, or everything, to no whole account
#   without a condition that names roles; it lets nobody pass the right on by a grant; and it denies Sign to
#   all but those it names, so that no policy elsewhere opens it.
# related_resources:
#   - https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
# schemas:
#   - input: schema.plan
# custom:
#   id: KMS-002
#   severity: critical
#   remedy: Allow kms:Sign to roles by name, and deny it and kms:CreateGrant to all others, as modules/pki does.
package plan.kms.signing

import data.lib.iam
import data.lib.plan

deny contains iam.finding(rego.metadata.chain(), statement, sprintf("%s is allowed to a whole account", [action])) if {
	some statement in iam.allowing.resource
	signs(statement.resource)
	some action in statement.actions
	uses(action)
	some principal in statement.principals
	regex.match(`^(\*|\d{12}|arn:aws[a-z-]*:iam::\d{12}:root)$`, principal.value)
	not names_roles(statement)
}

deny contains iam.finding(rego.metadata.chain(), statement, "kms:creategrant passes the right on") if {
	some statement in iam.allowing.resource
	signs(statement.resource)
	"kms:creategrant" in statement.actions
}

deny contains plan.finding(rego.metadata.chain(), key, "signing is not denied to everybody else") if {
	some document in iam.documents
	key := document.resource
	signs(key)
	not denies_others(key)
}

undecided contains plan.finding(rego.metadata.chain(), key, "key_usage is unknown") if {
	some key in plan.resources("aws_kms_key")
	plan.unknown(key, ["key_usage"])
}

signs(key) if {
	key.type == "aws_kms_key"
	plan.known(key, ["key_usage"]) == "SIGN_VERIFY"
}

uses(action) if action in {"*", "kms:*", "kms:sign"}

names_roles(statement) if {
	roles := iam.compared(statement, "aws:principalarn")
	count(roles) > 0
	every role in roles {
		regex.match(`^arn:aws[a-z-]*:iam::\d{12}:role/[^*?]+$`, role)
	}
}

denies_others(key) if {
	some statement in iam.statements
	statement.resource.address == key.address
	not statement.allows
	"kms:sign" in statement.actions
	some condition in statement.conditions
	condition.operator == "arnnotequals"
	condition.key == "aws:principalarn"
}
