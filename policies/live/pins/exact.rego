# METADATA
# title: A pin is one exact release
# description: |
#   What runs outside the first environment has been released and tried before. "local" is whatever this
#   working tree holds, a range is whatever was released last: neither can be approved or promoted.
# related_resources:
#   - https://developer.hashicorp.com/terraform/language/modules/sources#selecting-a-revision
# schemas:
#   - input: schema.live
# custom:
#   id: PIN-001
#   severity: high
#   remedy: Pin the release, such as "1.2.0"; `make promote` writes the line.
package live.pins.exact

import data.lib.live

deny contains live.finding(rego.metadata.chain(), environment.file, address, message) if {
	some environment in input.environments
	some module, version in environment.versions
	not may_be(environment, version)
	address := sprintf("%s: %s", [environment.name, module])
	message := sprintf("%v is no exact release", [json.marshal(version)])
}

deny contains live.finding(rego.metadata.chain(), environment.file, environment.name, message) if {
	some environment in input.environments
	some module in object.keys(environment.versions)
	not regex.match(`^[a-z0-9]+(-[a-z0-9]+)*$`, module)
	message := sprintf("%v is no name of a module", [module])
}

may_be(_, version) if live.exact(version)

may_be(environment, "local") if environment.name == input.promotion[0]
