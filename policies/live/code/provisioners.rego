# METADATA
# title: No provisioners
# description: |
#   A provisioner runs a program during the apply, with the credentials of the apply, and no plan shows what
#   it will do. One in a `removed` block does not even stand in the plan: such a block says what is removed, and
#   whether it is destroyed.
# related_resources:
#   - https://developer.hashicorp.com/terraform/language/resources/provisioners/syntax
# schemas:
#   - input: schema.live
# custom:
#   id: CODE-005
#   severity: critical
#   remedy: Use a resource that does it, or a step of the pipeline.
#   waivable: false
package live.code.provisioners

import data.lib.live

deny contains live.about_module(rego.metadata.chain(), module, provisioner, message) if {
	some module in input.modules
	some provisioner in module.provisioners
	message := sprintf("it has a provisioner %s", [provisioner.type])
}

deny contains live.about_module(rego.metadata.chain(), module, block, message) if {
	some module in input.modules
	some block in module.removed
	some key in block.keys
	not key in {"from", "lifecycle", "lifecycle.destroy"}
	message := sprintf("the block removed holds %s", [key])
}
