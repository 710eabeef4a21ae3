# METADATA
# title: Every mock can be told from a real value
# description: |
#   Each value carries the account 000000000000 or the mark `mock-`, in a shape that is valid: should a mock
#   reach a plan after all, the gate finds it there. A value without a mark would pass for a real one.
# related_resources:
#   - https://terragrunt.gruntwork.io/docs/reference/hcl/blocks/#dependency
# schemas:
#   - input: schema.live
# custom:
#   id: DEP-005
#   severity: critical
#   remedy: Put the account 000000000000 or a name that begins with mock- into the value, and keep its shape.
#   waivable: false
package live.dependencies.mock_values

import data.lib.live
import data.lib.mock

deny contains live.about_unit(rego.metadata.chain(), unit, message) if {
	some unit in input.units
	some dependency in unit.dependencies
	not is_object(dependency.mock_outputs)
	dependency.mock_outputs != null
	message := sprintf("the mocks of %s are an expression, which cannot be judged", [dependency.name])
}

deny contains live.about_unit(rego.metadata.chain(), unit, message) if {
	some unit in input.units
	some dependency in unit.dependencies
	is_object(dependency.mock_outputs)
	walk(dependency.mock_outputs, [path, value])
	not is_object(value)
	not is_array(value)
	not marked(value)
	message := sprintf("the mock %s of %s carries no mark", [named(path), dependency.name])
}

deny contains live.about_unit(rego.metadata.chain(), unit, message) if {
	some unit in input.units
	some dependency in unit.dependencies
	is_object(dependency.mock_outputs)
	some name, value in dependency.mock_outputs
	endswith(name, "_arn")
	not is_arn(value)
	message := sprintf("the mock %s of %s is no ARN", [name, dependency.name])
}

marked(value) if {
	is_string(value)
	not contains(value, "${")
	regex.match(mock.mark, value)
}

is_arn(value) if {
	is_string(value)
	regex.match(`^arn:aws(-[a-z]+)*:[a-z0-9-]+:[a-z0-9-]*:([0-9]{12}|lambda)?:.+$`, value)
}

named(path) := concat(".", [sprintf("%v", [part]) | some part in path])
