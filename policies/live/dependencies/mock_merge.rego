# METADATA
# title: Mocks are merged into outputs at the top level only
# description: |
#   A new output of a dependency that is applied already needs its mock beside the outputs that exist. A deep
#   merge would mix mocks into the values of real outputs.
# related_resources:
#   - https://terragrunt.gruntwork.io/docs/reference/hcl/blocks/#dependency
# schemas:
#   - input: schema.live
# custom:
#   id: DEP-006
#   severity: high
#   remedy: Write mock_outputs_merge_strategy_with_state = "shallow", or leave it out.
package live.dependencies.mock_merge

import data.lib.live

deny contains live.about_unit(rego.metadata.chain(), unit, message) if {
	some unit in input.units
	some dependency in unit.dependencies
	not dependency.merge_strategy in {null, "shallow"}
	message := sprintf(
		"the dependency %s merges its mocks by %v",
		[dependency.name, json.marshal(dependency.merge_strategy)],
	)
}
