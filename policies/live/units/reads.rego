# METADATA
# title: Files are read in locals, not in inputs
# description: |
#   Terragrunt does not track a file that is read in `inputs`: when it changes, the unit is not among those
#   that the change affects, and is not planned.
# related_resources:
#   - https://terragrunt.gruntwork.io/docs/reference/cli/commands/find#reading
# schemas:
#   - input: schema.live
# custom:
#   id: UNIT-004
#   severity: medium
#   remedy: Read the file in locals, and name the local in inputs.
package live.units.reads

import data.lib.live

names := concat("|", [
	"file", "filebase64", "fileset", "templatefile", `filemd5`, `filesha\w*`, `filebase64sha\w*`,
	"read_terragrunt_config", "read_tfvars_file", "sops_decrypt_file",
])

calls := sprintf(`\b(%s)%s`, [names, live.gap])

deny contains live.about_unit(rego.metadata.chain(), unit, message) if {
	some unit in input.units
	found := regex.find_all_string_submatch_n(calls, live.text(unit.hcl.inputs), 1)
	message := sprintf("inputs call %s()", [found[0][1]])
}
