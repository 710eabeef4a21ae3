# METADATA
# title: Logs are kept for a time that was chosen
# description: |
#   A log group without a retention keeps everything for ever, personal data and cost included. The time is
#   long enough to look into an incident: a week at least.
# related_resources:
#   - https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html
# schemas:
#   - input: schema.plan
# custom:
#   id: LOGS-001
#   severity: medium
#   remedy: Set retention_in_days to 7 or more.
package plan.logs.retention

import data.lib.plan

deny contains plan.finding(rego.metadata.chain(), group, sprintf("retention_in_days is %v", [days])) if {
	some group in plan.resources("aws_cloudwatch_log_group")
	days := plan.known(group, ["retention_in_days"])
	too_short_or_endless(days)
}

undecided contains plan.finding(rego.metadata.chain(), group, "retention_in_days is unknown") if {
	some group in plan.resources("aws_cloudwatch_log_group")
	plan.unknown(group, ["retention_in_days"])
}

too_short_or_endless(null)

too_short_or_endless(days) if days < 7
