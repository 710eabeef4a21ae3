# METADATA
# title: User pools are for machines, and are not deleted by mistake
# description: |
#   A pool in which people can sign themselves up hands out tokens that no certificate stands behind. One that
#   is deleted takes every client's id and secret with it.
# related_resources:
#   - https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-deletion-protection.html
# schemas:
#   - input: schema.plan
# custom:
#   id: COGNITO-001
#   severity: high
#   remedy: Set deletion_protection to ACTIVE, and allow_admin_create_user_only to true.
package plan.cognito.user_pool

import data.lib.plan

settings := {
	"deletion_protection": {"path": ["deletion_protection"], "value": "ACTIVE"},
	"allow_admin_create_user_only": {
		"path": ["admin_create_user_config", 0, "allow_admin_create_user_only"],
		"value": true,
	},
}

deny contains plan.finding(rego.metadata.chain(), pool, sprintf("%s is not %v", [name, setting.value])) if {
	some pool in plan.resources("aws_cognito_user_pool")
	some name, setting in settings
	plan.known(pool, setting.path) != setting.value
}

undecided contains plan.finding(rego.metadata.chain(), pool, sprintf("%s is unknown", [name])) if {
	some pool in plan.resources("aws_cognito_user_pool")
	some name, setting in settings
	plan.unknown(pool, setting.path)
}
