# METADATA
# title: Security groups let in no whole internet
# description: |
#   Nothing here listens on a network of its own. A group open to every address is a second way in, past the
#   certificate.
# related_resources:
#   - https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html
# schemas:
#   - input: schema.plan
# custom:
#   id: EXPOSURE-002
#   severity: high
#   remedy: Name the security group or the addresses that may connect.
package plan.exposure.security_groups

import data.lib.plan

everywhere := {"0.0.0.0/0", "::/0"}

# Type -> where the ranges of what comes in stand.
ranges := {
	"aws_default_security_group": [["ingress"]],
	"aws_security_group": [["ingress"]],
	"aws_security_group_rule": [["cidr_blocks"], ["ipv6_cidr_blocks"]],
	"aws_vpc_security_group_ingress_rule": [["cidr_ipv4"], ["cidr_ipv6"]],
}

deny contains plan.finding(rego.metadata.chain(), group, sprintf("%s is let in", [range])) if {
	some type, paths in ranges
	some group in plan.resources(type)
	inbound(group)
	some path in paths
	some range in everywhere
	walk(plan.value(group, path), [_, range])
}

undecided contains plan.finding(rego.metadata.chain(), group, sprintf("%s is unknown", [path[0]])) if {
	some type, paths in ranges
	some group in plan.resources(type)
	inbound(group)
	some path in paths
	plan.unknown(group, path)
}

inbound(group) if group.type != "aws_security_group_rule"

inbound(group) if plan.value(group, ["type"]) != "egress"
