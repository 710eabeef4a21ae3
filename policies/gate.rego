# METADATA
# title: What every check says about a plan
# description: |
#   Evaluate `data.gate` over the JSON of a plan. `deny` forbids it. `undecided` is what only the apply
#   can tell: it needs another look at the plan that is applied, and must never count as allowed.
# schemas:
#   - input: schema.plan
package gate

deny contains finding if {
	some finding in data.checks[_][_].deny
}

# An empty document breaks no rule, so it must not pass for a plan that breaks none.
deny contains {
	"id": "GATE-001",
	"severity": "critical",
	"title": "The input is a plan, and a whole one",
	"address": "",
	"message": "the input is no JSON of a Terraform plan, or of one that failed",
} if {
	not is_plan
}

undecided contains finding if {
	some finding in data.checks[_][_].undecided
}

is_plan if {
	startswith(input.format_version, "1.")
	not input.errored
}
