# METADATA
# title: What every check says about a plan
# description: |
#   Evaluate `data.gate` over the JSON of a plan. `deny` forbids it. `undecided` is what only the apply
#   can tell: it needs another look at the plan that is applied, and must never count as allowed.
package gate

deny contains finding if {
	some finding in data.checks[_][_].deny
}

undecided contains finding if {
	some finding in data.checks[_][_].undecided
}
