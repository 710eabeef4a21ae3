# METADATA
# title: Keys have a policy of their own
# description: |
#   Without one, AWS writes that the whole account may do everything with the key, as far as its IAM policies
#   go; and no reviewer sees it.
# related_resources:
#   - https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
# schemas:
#   - input: schema.plan
# custom:
#   id: KMS-001
#   severity: high
#   remedy: Set the key's policy, and leave bypass_policy_lockout_safety_check off.
package plan.kms.own_policy

import data.lib.plan

deny contains plan.finding(rego.metadata.chain(), key, "the key has no policy of its own") if {
	some key in plan.resources("aws_kms_key")
	plan.unknown(key, ["policy"])
	not plan.configured(key, "policy")
}

deny contains plan.finding(rego.metadata.chain(), key, "the key has no policy of its own") if {
	some key in plan.resources("aws_kms_key")
	plan.known(key, ["policy"]) in {null, ""}
}

deny contains plan.finding(rego.metadata.chain(), key, "the check against locking everybody out is off") if {
	some key in plan.resources("aws_kms_key")
	plan.known(key, ["bypass_policy_lockout_safety_check"]) == true
}

undecided contains plan.finding(rego.metadata.chain(), key, "bypass_policy_lockout_safety_check is unknown") if {
	some key in plan.resources("aws_kms_key")
	plan.unknown(key, ["bypass_policy_lockout_safety_check"])
}
