# METADATA
# title: live/ holds the files that it is made of
# description: |
#   Terragrunt copies what lies beside a unit into the module, and takes the nearest file of a name that it
#   looks for: a stray .tf adds resources that no module has, a second root.hcl takes the place of the first. It
#   looks above live/ too, where no rule reads what it finds.
# related_resources:
#   - https://terragrunt.gruntwork.io/docs/reference/hcl/functions/#find_in_parent_folders
# schemas:
#   - input: schema.live
# custom:
#   id: TREE-002
#   severity: critical
#   remedy: Move the file out of live/; what a unit needs belongs in its module.
#   waivable: false
package live.tree.files

import data.lib.live

known := concat("|", [
	`^live/(README\.md|organization\.yaml|root\.hcl|drift-noise\.yaml)$`,
	`^live/[^/]+/account\.hcl$`,
	`^live/[^/]+/[^/]+/region\.hcl$`,
	`^live/[^/]+/[^/]+/[^/]+/(env\.hcl|versions\.hcl|images\.hcl|truststore\.json)$`,
	`^live/[^/]+/[^/]+/[^/]+/[^/]+/(terragrunt\.hcl|\.terraform\.lock\.hcl)$`,
])

# The pipeline lists what is called so anywhere; in live/, the places are those above.
read_by_name := concat("", [
	`(^|/)(root|account|region|env|versions|images|no-images)\.hcl$`,
	`|(^|/)terragrunt\.(hcl|hcl\.json|stack\.hcl|values\.hcl)$`,
])

deny contains live.finding(rego.metadata.chain(), file, file, "it does not belong in live/") if {
	some file in input.files
	startswith(file, "live/")
	not regex.match(known, file)
}

deny contains live.finding(rego.metadata.chain(), file, file, "Terragrunt would read it, and no rule does") if {
	some file in input.files
	not startswith(file, "live/")
	regex.match(read_by_name, file)
}
