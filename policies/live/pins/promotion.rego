# METADATA
# title: No environment is ahead of the one before it
# description: |
#   A release passes through the environments in the order of `promotion`: one that is newer in a later
#   environment was tried nowhere. Accounts' own folders follow the order of their environments.
# related_resources:
#   - https://semver.org/#spec-item-11
# schemas:
#   - input: schema.live
# custom:
#   id: PIN-003
#   severity: high
#   remedy: Promote the release to the environment before it first (`make promote`), and apply it there.
package live.pins.promotion

import data.lib.live

deny contains live.finding(rego.metadata.chain(), environment.file, address, message) if {
	some environment in input.environments
	some module, version in environment.versions
	before := live.environment(environment.previous)
	ahead(version, object.get(before.versions, module, null))
	address := sprintf("%s: %s", [environment.name, module])
	message := sprintf("%s is ahead of %s, which has %s", [
		json.marshal(version),
		before.name,
		json.marshal(object.get(before.versions, module, "no such module")),
	])
}

# No release is ahead of what the first environment takes from the working tree.
ahead(version, before) if {
	before != "local"
	not at_least(before, version)
}

at_least(before, version) if {
	live.exact(before)
	live.exact(version)
	semver.compare(before, version) >= 0
}
