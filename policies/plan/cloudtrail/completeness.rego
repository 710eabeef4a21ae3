# METADATA
# title: A trail shows each use of a key, in files that can be validated
# description: |
#   Signing counts as reading: a trail of writes alone does not show it, and one region's trail not what
#   happened in another. Without digest files nobody can tell whether a line was taken out.
# related_resources:
#   - https://docs.aws.amazon.com/kms/latest/developerguide/logging-using-cloudtrail.html
#   - https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-intro.html
# schemas:
#   - input: schema.plan
# custom:
#   id: CLOUDTRAIL-001
#   severity: high
#   remedy: Set enable_log_file_validation and is_multi_region_trail to true, and log all management events.
package plan.cloudtrail.completeness

import data.lib.plan

settings := {
	"enable_log_file_validation": {"path": ["enable_log_file_validation"], "value": true},
	"enable_logging": {"path": ["enable_logging"], "value": true},
	"include_management_events": {"path": ["event_selector", 0, "include_management_events"], "value": true},
	"is_multi_region_trail": {"path": ["is_multi_region_trail"], "value": true},
	"read_write_type": {"path": ["event_selector", 0, "read_write_type"], "value": "All"},
}

deny contains plan.finding(rego.metadata.chain(), trail, sprintf("%s is not %v", [name, setting.value])) if {
	some trail in plan.resources("aws_cloudtrail")
	some name, setting in settings
	plan.known(trail, setting.path) != setting.value
}

undecided contains plan.finding(rego.metadata.chain(), trail, sprintf("%s is unknown", [name])) if {
	some trail in plan.resources("aws_cloudtrail")
	some name, setting in settings
	plan.unknown(trail, setting.path)
}
