# METADATA
# title: root.hcl takes modules from this repository, at their tag
# description: |
#   The list of sources turns pins into addresses. Whoever changes it changes the code of every unit, behind
#   pins that still look the same.
# related_resources:
#   - https://terragrunt.gruntwork.io/docs/reference/hcl/blocks/#terraform
# schemas:
#   - input: schema.live
# custom:
#   id: ROOT-003
#   severity: critical
#   remedy: Restore locals.sources of root.hcl; a change of where modules come from changes this rule as well.
#   waivable: false
package live.root.sources

import data.lib.live

expected := {
	"sources": concat("", [
		"${{ for module, version in local.versions : module => version == \"local\" ? ",
		"\"${get_repo_root()}/modules//${module}\"",
		" : \"git::https://github.com/${local.organization.github_repository}.git//modules/${module}?ref=refs/tags/modules/${module}/v${version}\" ",
		"}}",
	]),
	"versions": "${read_terragrunt_config(find_in_parent_folders(\"versions.hcl\")).locals.versions}",
	"organization": "${yamldecode(file(mark_as_read(\"${get_parent_terragrunt_dir()}/organization.yaml\")))}",
}

deny contains live.finding(rego.metadata.chain(), live.root_file, live.root_file, message) if {
	live.root
	some name, text in expected
	not says(name, text)
	message := sprintf("locals: %s is not what pins are turned into sources with", [name])
}

says(name, text) if live.flattened(live.root.locals[0][name]) == text
