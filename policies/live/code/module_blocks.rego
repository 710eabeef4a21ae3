# METADATA
# title: A module configures no provider and no state
# description: |
#   Account, role and state are root.hcl's. A module with a provider or a backend of its own can leave the
#   account that the unit belongs to, or keep its state where nobody looks.
# related_resources:
#   - https://developer.hashicorp.com/terraform/language/modules/develop/providers
# schemas:
#   - input: schema.live
# custom:
#   id: CODE-007
#   severity: critical
#   remedy: Take the block out; root.hcl generates provider.tf and backend.tf.
#   waivable: false
package live.code.module_blocks

import data.lib.live

allowed := {
	"check", "data", "import", "locals", "module", "moved", "output", "removed", "resource",
	"terraform", "variable",
}

deny contains live.about_module(rego.metadata.chain(), module, block, message) if {
	some module in input.modules
	some block in module.blocks
	not block.type in allowed
	message := sprintf("it has a block %s", [block.type])
}

deny contains live.about_module(rego.metadata.chain(), module, backend, message) if {
	some module in input.modules
	some backend in module.backends
	message := sprintf("it has a %s of its own", [backend.type])
}
