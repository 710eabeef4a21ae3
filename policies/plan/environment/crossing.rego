# METADATA
# title: Nothing of one environment names another
# description: |
#   Names carry their environment. One of another environment in a plan is a promotion gone wrong, or trust
#   across environments: a function of dev that reads the registry of prod, a role that the wrong issuer may
#   take. The certificate authority's account serves them all, but a unit of it that is named after an
#   environment serves that one.
# related_resources:
#   - https://docs.aws.amazon.com/wellarchitected/latest/security-pillar/sec_securely_operate_multi_accounts.html
# schemas:
#   - input: schema.plan
# custom:
#   id: ENV-001
#   severity: critical
#   remedy: Build the name from the environment's own prefix in root.hcl.
package plan.environment.crossing

import data.lib.plan

deny contains plan.general(rego.metadata.chain(), address, sprintf("%s is of %s", [name, other])) if {
	some other in others
	some separator in ["-", "/"]
	begin := concat(separator, [input.unit.organization, other])
	contains(plan.all_text, begin)
	some address, text in plan.texts
	some name in regex.find_n(sprintf(`\b%s\b[A-Za-z0-9/_-]*`, [begin]), text, 1)
}

# The environment that the unit belongs to: its folder's, or the one that its name ends with.
own := input.unit.environment if input.unit.environment in input.unit.promotion

own := environment if {
	not input.unit.environment in input.unit.promotion
	some environment in input.unit.promotion
	endswith(input.unit.name, concat("", ["-", environment]))
}

# dev begins the names of dev-eu as well: the two cannot be told apart by name.
others contains environment if {
	some environment in input.unit.promotion
	environment != own
	not startswith(own, concat("", [environment, "-"]))
}
