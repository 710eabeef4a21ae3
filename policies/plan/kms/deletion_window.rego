# METADATA
# title: A key's deletion can be noticed
# description: |
#   What a deleted key encrypted or signed for is lost for good. AWS waits for 7 to 30 days, 30 unless told
#   otherwise, in which an administrator can cancel: every one of them counts.
# related_resources:
#   - https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html
# schemas:
#   - input: schema.plan
# custom:
#   id: KMS-004
#   severity: high
#   remedy: Set deletion_window_in_days to 30, or leave it out.
package plan.kms.deletion_window

import data.lib.plan

deny contains plan.finding(rego.metadata.chain(), key, sprintf("the key is deleted after %d days", [days])) if {
	some key in plan.resources("aws_kms_key")
	days := plan.known(key, ["deletion_window_in_days"])
	days != null
	days < 30
}

undecided contains plan.finding(rego.metadata.chain(), key, "deletion_window_in_days is unknown") if {
	some key in plan.resources("aws_kms_key")
	plan.unknown(key, ["deletion_window_in_days"])
}
