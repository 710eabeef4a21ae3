# METADATA
# title: A module calls its neighbours alone
# description: |
#   A module from elsewhere is code that no review here has seen, and that can change under its name. A
#   neighbour comes from the same commit or release.
# related_resources:
#   - https://developer.hashicorp.com/terraform/language/modules/sources#local-paths
# schemas:
#   - input: schema.live
# custom:
#   id: CODE-006
#   severity: critical
#   remedy: Bring the module into modules/, and call it as "../<name>".
#   waivable: false
package live.code.module_calls

import data.lib.live

deny contains live.about_module(rego.metadata.chain(), module, call, message) if {
	some module in input.modules
	some call in module.calls
	not is_neighbour(call.source)
	message := sprintf("it calls the module %s from %v", [call.name, json.marshal(call.source)])
}

is_neighbour(source) if {
	is_string(source)
	regex.match(`^\.\./[a-z0-9]+(-[a-z0-9]+)*$`, source)
}
