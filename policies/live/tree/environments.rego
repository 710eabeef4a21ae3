# METADATA
# title: Every environment is complete, is called as no other, and has its place in the order
# description: |
#   Names of resources, of approvals and of GitHub environments are made of the environment's name, and pins
#   are held against the environment before it: two of one name, or one without a place, would pass unseen.
# related_resources:
#   - https://terragrunt.gruntwork.io/docs/features/units/
# schemas:
#   - input: schema.live
# custom:
#   id: TREE-003
#   severity: high
#   remedy: Add the missing file, give the environment a name of its own, and list it in promotion of organization.yaml.
package live.tree.environments

import data.lib.live

organization_file := "live/organization.yaml"

needed(environment) := {
	sprintf("live/%s/account.hcl", [environment.account]),
	sprintf("live/%s/%s/region.hcl", [environment.account, environment.region]),
	sprintf("live/%s/env.hcl", [environment.folder]),
	sprintf("live/%s/versions.hcl", [environment.folder]),
} | images(environment)

# Where there is none, Terragrunt looks above live/ for it. An account's own folder runs no functions.
images(environment) := {environment.images_file} if runs_functions(environment)

images(environment) := set() if not runs_functions(environment)

runs_functions(environment) if environment.is_environment

runs_functions(environment) if environment.folder_name == "ca"

deny contains live.finding(rego.metadata.chain(), environment.file, environment.name, message) if {
	some environment in input.environments
	some file in needed(environment)
	not file in input.files
	message := sprintf("%s is missing", [file])
}

deny contains live.finding(rego.metadata.chain(), environment.file, environment.name, message) if {
	some index, environment in input.environments
	some other, namesake in input.environments
	index < other
	environment.name == namesake.name
	message := sprintf("live/%s has the same name as live/%s", [environment.folder, namesake.folder])
}

deny contains live.finding(
	rego.metadata.chain(), environment.file, environment.name,
	"it has no place in promotion",
) if {
	some environment in input.environments
	environment.is_environment
	not environment.name in input.promotion
}

# A folder of the account's own is called so, and holds no environment under another name.
deny contains live.finding(rego.metadata.chain(), environment.file, environment.name, message) if {
	some environment in input.environments
	not environment.is_environment
	not environment.folder_name in {"account", "ca"}
	message := sprintf(
		"%s is neither an environment of promotion nor an account's own folder",
		[environment.folder_name],
	)
}

deny contains live.finding(rego.metadata.chain(), organization_file, organization_file, message) if {
	some name in input.promotion
	not name in live.names
	message := sprintf("promotion names %s, which has no units", [name])
}

deny contains live.finding(
	rego.metadata.chain(), organization_file, organization_file,
	"promotion names an environment twice",
) if {
	count(input.promotion) != count({name | some name in input.promotion})
}
