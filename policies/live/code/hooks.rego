# METADATA
# title: No file of live/ starts a program
# description: |
#   Hooks run a command around every init, plan and apply; an engine or another binary takes the place of
#   Terraform. A pull request could so run its own code with the credentials of the plan.
# related_resources:
#   - https://terragrunt.gruntwork.io/docs/features/hooks/
# schemas:
#   - input: schema.live
# custom:
#   id: CODE-002
#   severity: critical
#   remedy: Take it out; what a change needs done is a step of the pipeline.
#   waivable: false
package live.code.hooks

import data.lib.live

actions := {"before_hook", "after_hook", "error_hook"}

programs := {"engine", "terraform_binary", "catalog"}

deny contains live.finding(rego.metadata.chain(), file.file, file.file, message) if {
	some file in live.files
	some block in file.hcl.terraform
	some key in object.keys(block)
	key in actions
	message := sprintf("it has a hook: %s", [key])
}

deny contains live.finding(rego.metadata.chain(), file.file, file.file, message) if {
	some file in live.files
	some key in object.keys(file.hcl)
	key in programs
	message := sprintf("it sets %s", [key])
}
