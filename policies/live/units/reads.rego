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

# Between a function's name and its bracket HCL allows spaces and comments; JSON spells a line end \n.
functions := `\b(file|filebase64|fileset|templatefile|filemd5|filesha\w*|filebase64sha\w*|read_terragrunt_config|read_tfvars_file|sops_decrypt_file)(\s|\\[nrt]|/\*.*?\*/|(#|//).*?\\n)*\(`

deny contains live.about_unit(rego.metadata.chain(), unit, message) if {
	some unit in input.units
	found := regex.find_all_string_submatch_n(functions, json.marshal(unit.hcl.inputs), 1)
	message := sprintf("inputs call %s()", [found[0][1]])
}
