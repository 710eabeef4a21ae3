# METADATA
# title: A pin names a release that exists, of main
# description: |
#   A release is the git tag `modules/<name>/v<version>`. Without it a unit cannot be planned, and whoever
#   makes the tag later decides what it is. The tag names a commit of main: what another one names, nobody
#   reviewed, and whoever may push may make it.
# related_resources:
#   - https://developer.hashicorp.com/terraform/language/modules/sources#selecting-a-revision
# schemas:
#   - input: schema.live
# custom:
#   id: PIN-002
#   severity: high
#   remedy: Release the module first (`make release`), or pin a release that exists; fetch missing tags, and rebase.
package live.pins.released

import data.lib.live

deny contains live.finding(rego.metadata.chain(), environment.file, address, message) if {
	is_object(input.releases)
	some environment in input.environments
	some module, version in environment.versions
	live.exact(version)
	not version in object.get(input.releases, module, [])
	address := sprintf("%s: %s", [environment.name, module])
	message := sprintf("main has no tag modules/%s/v%s", [module, version])
}

# A clone may have no tags; whoever asks then learns what is left open.
undecided contains live.finding(rego.metadata.chain(), environment.file, environment.name, message) if {
	not is_object(input.releases)
	some environment in input.environments
	some version in environment.versions
	live.exact(version)
	message := "whether its pins have a release was not looked up"
}
