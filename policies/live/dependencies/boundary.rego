# METADATA
# title: A unit depends on its own environment and its account's own folders
# description: |
#   A dependency on another environment hands that one's values over unreviewed, and one on another account
#   needs its state. What an account's own folders keep is the only thing that environments may share.
# related_resources:
#   - https://docs.aws.amazon.com/whitepapers/latest/organizing-your-aws-environment/organizing-your-aws-environment.html
# schemas:
#   - input: schema.live
# custom:
#   id: DEP-002
#   severity: critical
#   remedy: Build the name or ARN from known facts, as root.hcl does, instead of reading it from the other environment.
package live.dependencies.boundary

import data.lib.live

deny contains live.about_unit(rego.metadata.chain(), unit, message) if {
	some unit in input.units
	some dependency in unit.dependencies
	dependency.target != ""
	not within(unit, live.folder_of(dependency.target))
	message := sprintf("the dependency %s leads to %s, out of its environment", [dependency.name, dependency.target])
}

within(unit, folder) if folder == live.folder_of(unit.path)

within(unit, folder) if {
	some environment in input.environments
	environment.folder == folder
	environment.account == unit.account
	not environment.is_environment
}
