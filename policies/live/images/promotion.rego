# METADATA
# title: An image runs in the environment before first
# description: |
#   As modules do, images pass through the environments in order: one that is in none before was tried nowhere.
#   What an environment ran before the change it may go on running, or come back to later by promotion.
# related_resources:
#   - https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html
# schemas:
#   - input: schema.live
# custom:
#   id: DIGEST-002
#   severity: high
#   remedy: Put the image into the environment before, and apply it there.
package live.images.promotion

import data.lib.live

deny contains live.finding(rego.metadata.chain(), environment.images_file, address, message) if {
	some [environment, function] in untried
	is_object(environment.images_before)
	address := sprintf("%s: %s", [environment.name, function])
	message := sprintf("%s runs another image, or none", [environment.previous])
}

undecided contains live.finding(rego.metadata.chain(), environment.images_file, address, message) if {
	some [environment, function] in untried
	not is_object(environment.images_before)
	address := sprintf("%s: %s", [environment.name, function])
	message := sprintf("%s runs another image; what ran here before is not known without a base", [environment.previous])
}

untried contains [environment, function] if {
	some environment in input.environments
	environment.is_environment
	before := live.environment(environment.previous)
	some function, uri in environment.images
	digest := digest_of(uri)
	digest != digest_of(object.get(before.images, function, ""))
	not kept(environment, function, digest)
}

kept(environment, function, digest) if digest == digest_of(environment.images_before[function])

digest_of(uri) := split(uri, "@")[1] if {
	is_string(uri)
	contains(uri, "@")
} else := ""
