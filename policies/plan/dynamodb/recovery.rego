# METADATA
# title: Tables can be recovered, and are not deleted by mistake
# description: |
#   The registry decides which certificates are let in: without it every client stays out. Point-in-time
#   recovery brings back any second of the last 35 days; deletion protection refuses a deletion, whoever asks.
# related_resources:
#   - https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Point-in-time-recovery.html
# schemas:
#   - input: schema.plan
# custom:
#   id: DYNAMODB-001
#   severity: high
#   remedy: Enable point_in_time_recovery, server_side_encryption and deletion_protection_enabled.
package plan.dynamodb.recovery

import data.lib.plan

settings := {
	"deletion protection": ["deletion_protection_enabled"],
	"encryption with a key that leaves a trail": ["server_side_encryption", 0, "enabled"],
	"point-in-time recovery": ["point_in_time_recovery", 0, "enabled"],
}

deny contains plan.finding(rego.metadata.chain(), table, sprintf("there is no %s", [name])) if {
	some table in plan.resources("aws_dynamodb_table")
	some name, path in settings
	plan.known(table, path) != true
}

undecided contains plan.finding(rego.metadata.chain(), table, sprintf("whether there is %s is unknown", [name])) if {
	some table in plan.resources("aws_dynamodb_table")
	some name, path in settings
	plan.unknown(table, path)
}
