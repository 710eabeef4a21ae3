# METADATA
# title: Applying runs nothing but providers, on modules of this repository
# description: |
#   A provisioner runs a program on the machine that applies, and an action does something that no state knows
#   of. A module that is fetched from elsewhere was reviewed by nobody here. All are looked for as deep as
#   modules call each other; three calls are enough.
# related_resources:
#   - https://developer.hashicorp.com/terraform/language/resources/provisioners/syntax
# schemas:
#   - input: schema.plan
# custom:
#   id: SUPPLY-003
#   severity: critical
#   remedy: Take the provisioner, action or module out; what has to run is a step of the pipeline.
#   waivable: false
package plan.supply.code

import data.lib.plan

deny contains plan.general(rego.metadata.chain(), address, sprintf("provisioner %s", [provisioner.type])) if {
	some address, resource in plan.configuration
	some provisioner in object.get(resource, "provisioners", [])
}

deny contains plan.general(rego.metadata.chain(), "", "the plan invokes actions") if {
	count(input.action_invocations) > 0
}

deny contains plan.general(rego.metadata.chain(), address, message) if {
	some module in plan.modules
	some name, call in object.get(module.module, "module_calls", {})
	not regex.match(`^\.\.?/`, call.source)
	address := sprintf("%smodule.%s", [module.path, name])
	message := sprintf("source %s is not of this repository", [call.source])
}

deny contains plan.general(rego.metadata.chain(), "", "modules are nested more than three deep") if {
	plan.nested_too_deep
}
