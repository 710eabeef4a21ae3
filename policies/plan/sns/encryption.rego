# METADATA
# title: Topics are encrypted
# description: |
#   A message says which key was used by whom, or which client's certificate ends. SNS keeps messages in the
#   clear unless it is given a key.
# related_resources:
#   - https://docs.aws.amazon.com/sns/latest/dg/sns-server-side-encryption.html
# schemas:
#   - input: schema.plan
# custom:
#   id: SNS-001
#   severity: medium
#   remedy: Set kms_master_key_id.
package plan.sns.encryption

import data.lib.plan

warn contains plan.finding(rego.metadata.chain(), topic, "the topic is not encrypted") if {
	some topic in plan.resources("aws_sns_topic")
	plan.known(topic, ["kms_master_key_id"]) in {null, ""}
}

# A new key's ARN is unknown, but not that the module makes it.
undecided contains plan.finding(rego.metadata.chain(), topic, "kms_master_key_id is unknown") if {
	some topic in plan.resources("aws_sns_topic")
	plan.unknown(topic, ["kms_master_key_id"])
	not plan.refers(topic, "kms_master_key_id", "aws_kms_key")
}
