# METADATA
# title: Symmetric keys rotate
# description: |
#   AWS makes new key material each year and keeps the old for what it encrypted: less lies under one key,
#   and nobody has to do anything. Keys that sign or make MACs cannot be rotated so.
# related_resources:
#   - https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html
# schemas:
#   - input: schema.plan
# custom:
#   id: KMS-003
#   severity: medium
#   remedy: Set enable_key_rotation to true.
package plan.kms.rotation

import data.lib.plan

deny contains plan.finding(rego.metadata.chain(), key, "the key does not rotate") if {
	some key in plan.resources("aws_kms_key")
	plan.known(key, ["customer_master_key_spec"]) in {null, "SYMMETRIC_DEFAULT"}
	plan.known(key, ["enable_key_rotation"]) != true
}

undecided contains plan.finding(rego.metadata.chain(), key, sprintf("%s is unknown", [setting])) if {
	some key in plan.resources("aws_kms_key")
	not plan.value(key, ["enable_key_rotation"]) == true
	some setting in ["customer_master_key_spec", "enable_key_rotation"]
	plan.unknown(key, [setting])
	not asymmetric(key)
}

asymmetric(key) if {
	spec := plan.known(key, ["customer_master_key_spec"])
	not spec in {null, "SYMMETRIC_DEFAULT"}
}
