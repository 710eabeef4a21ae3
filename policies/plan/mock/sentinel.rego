# METADATA
# title: Nothing is planned on mocks
# description: |
#   Terragrunt stands in for a dependency that was not applied yet with the mocks of the unit. A plan made on
#   them applies without an error, and leaves a function that reads no table and an API that calls nobody.
#   Every mock carries the account 000000000000 or a name that begins with mock-: neither may stand in what
#   is planned, nor in the unit's inputs, where a mock shows although its use is unknown.
# related_resources:
#   - https://terragrunt.gruntwork.io/docs/features/stacks/#unapplied-dependency-and-mock-outputs
# schemas:
#   - input: schema.plan
# custom:
#   id: MOCK-001
#   severity: critical
#   remedy: Apply the units that this one depends on, then plan it again.
#   waivable: false
package plan.mock.sentinel

import data.lib.mock
import data.lib.plan

deny contains plan.general(rego.metadata.chain(), address, sprintf("%s is a mock", [match])) if {
	looks_mocked
	some address, text in plan.texts
	some match in regex.find_n(pattern, text, 1)
}

pattern := concat("", ["[A-Za-z0-9:/._-]*(", mock.mark, ")[A-Za-z0-9:/._-]*"])

# Cheaper than the pattern, which then finds the whole word.
looks_mocked if contains(plan.all_text, "mock")

looks_mocked if contains(plan.all_text, "000000000000")
