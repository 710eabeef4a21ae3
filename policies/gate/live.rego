# METADATA
# title: What the rules say about live/ and the modules
# description: |
#   Evaluate `data.gate.live.result` over the document of pipeline/configuration.py. Nothing of a change has
#   run by then: what this refuses is never initialised or planned.
# schemas:
#   - input: schema.live
package gate.live

import data.lib.live

# METADATA
# title: The whole answer
# entrypoint: true
result := {"deny": deny, "warn": warn, "undecided": undecided}

# regal ignore:mixed-iteration
warn contains finding if some finding in data.live[_][_].warn

# regal ignore:mixed-iteration
undecided contains finding if some finding in data.live[_][_].undecided

# The rules are found by their place. Walked as a document, all of data.live would be evaluated, helpers and all.
# regal ignore:mixed-iteration
deny contains finding if some finding in data.live[_][_].deny

# METADATA
# title: The input is the configuration of live/, and a whole one
# description: |
#   An empty document breaks no rule, so it must not pass for a configuration that breaks none.
# related_resources:
#   - https://www.openpolicyagent.org/docs/policy-language
# custom:
#   id: GATE-003
#   severity: critical
#   remedy: Evaluate live/ with `make gate`, which makes the document.
#   waivable: false
deny contains live.finding(rego.metadata.chain(), "", "", message) if {
	some key, type in keys
	type_name(object.get(input, key, null)) != type
	message := sprintf("%s is missing, or is no %s", [key, type])
}

# METADATA
# title: The configuration of live/ has units
# description: |
#   No units are no proof that all units are well: a folder that is empty or elsewhere would pass for one.
# related_resources:
#   - https://www.openpolicyagent.org/docs/policy-language
# custom:
#   id: GATE-004
#   severity: critical
#   remedy: Run this at the top of the checkout, with live/ in it.
#   waivable: false
deny contains live.finding(rego.metadata.chain(), "", "live", "live/ has no unit") if count(input.paths) == 0

keys := {
	"version": "number",
	"organization": "object",
	"promotion": "array",
	"paths": "array",
	"units": "array",
	"configs": "array",
	"environments": "array",
	"modules": "array",
	"files": "array",
	"problems": "array",
}
