# METADATA
# title: What the rules say about a plan
# description: |
#   Evaluate `data.gate.plan.result` over a plan document: the JSON of a plan, and the unit that it is of.
#   `deny` forbids it, `warn` is for the reviewer. `undecided` is what only the apply can tell: it needs
#   another look at the plan that is applied, and must never count as allowed.
# schemas:
#   - input: schema.plan
package gate.plan

import data.lib.plan

# METADATA
# title: The whole answer
# entrypoint: true
result := {"deny": deny, "warn": warn, "undecided": undecided}

# The rules are found by their place. Walked as a document, all of data.plan would be evaluated, helpers and all.
# regal ignore:mixed-iteration
deny contains finding if some finding in data.plan[_][_].deny

# METADATA
# title: The input is a plan, and a whole one
# description: |
#   An empty document breaks no rule, so it must not pass for a plan that breaks none. A plan that failed,
#   or that leaves changes for a later one, does not show what will happen.
# related_resources:
#   - https://developer.hashicorp.com/terraform/internals/json-format#plan-representation
# custom:
#   id: GATE-001
#   severity: critical
#   remedy: Make the plan again, and hand over all of `terraform show -json`.
#   waivable: false
deny contains plan.general(rego.metadata.chain(), "", message) if {
	not is_whole_plan
	message := "the input is no JSON of a Terraform plan, or of one that failed or is incomplete"
}

# METADATA
# title: A plan says which unit it is of
# description: |
#   Whose account it may touch, which tags it must set and whether it is bound for the last environment is
#   told by the unit. Without it those rules would be silent, so a plan without one never passes.
# related_resources:
#   - https://developer.hashicorp.com/terraform/internals/json-format#plan-representation
# custom:
#   id: GATE-002
#   severity: critical
#   remedy: Evaluate the plan with `make plan`, which adds the key `unit` to it.
#   waivable: false
deny contains plan.general(rego.metadata.chain(), "", message) if {
	is_whole_plan
	some key, type in unit_keys
	type_name(object.get(input, ["unit", key], null)) != type
	message := sprintf("unit.%s is missing, or is no %s", [key, type])
}

# regal ignore:mixed-iteration
warn contains finding if some finding in data.plan[_][_].warn

# regal ignore:mixed-iteration
undecided contains finding if some finding in data.plan[_][_].undecided

is_whole_plan if {
	startswith(input.format_version, "1.")
	not input.errored
	not incomplete
}

incomplete if input.complete == false

unit_keys := {
	"path": "string",
	"account": "string",
	"account_id": "string",
	"region": "string",
	"environment": "string",
	"name": "string",
	"last_environment": "boolean",
	"promotion": "array",
	"organization": "string",
	"accounts": "object",
	"mode": "string",
	"destroy": "boolean",
}
