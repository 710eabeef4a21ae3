# METADATA
# title: root.hcl has the blocks it needs, and no others
# description: |
#   What root.hcl does, it does to every unit: an extra argument such as -lock=false, a second generated file
#   or another backend setting reaches all accounts at once.
# related_resources:
#   - https://terragrunt.gruntwork.io/docs/reference/hcl/blocks/
# schemas:
#   - input: schema.live
# custom:
#   id: ROOT-004
#   severity: critical
#   remedy: Take the block out, or have the list of this rule changed by its owners.
#   waivable: false
package live.root.blocks

import data.lib.live

top := {"locals", "download_dir", "terraform", "generate", "remote_state"}

deny contains live.finding(rego.metadata.chain(), live.root_file, live.root_file, message) if {
	some key in object.keys(live.root)
	not key in top
	message := sprintf("%s does not belong in root.hcl", [key])
}

deny contains live.finding(rego.metadata.chain(), live.root_file, live.root_file, message) if {
	some block in live.root.terraform
	some key in object.keys(block)
	not key in {"copy_terraform_lock_file", "extra_arguments"}
	message := sprintf("terraform: %s does not belong in root.hcl", [key])
}

deny contains live.finding(rego.metadata.chain(), live.root_file, live.root_file, message) if {
	some block in live.root.terraform
	some name, blocks in block.extra_arguments
	some settings in blocks
	some key, value in settings
	not harmless(key, value)
	message := sprintf("extra_arguments %s: %s changes what Terraform is told", [name, key])
}

deny contains live.finding(rego.metadata.chain(), live.root_file, live.root_file, message) if {
	some name in object.keys(live.root.generate)
	name != "provider"
	message := sprintf("generate: %s does not belong in root.hcl", [name])
}

harmless("commands", _)

harmless("arguments", ["-lockfile=readonly"])

# A variable can preload a library or name a proxy; a name that is computed can be any.
harmless("env_vars", {"GOGC": "${get_env(\"GOGC\", \"400\")}"})

harmless("env_vars", text) if live.flattened(text) == concat(" ", [
	"${{ for name in [\"AWS_ROLE_ARN\"] : name => local.role_arn if",
	"local.token_file != \"\" && !local.bootstrap }}",
])
