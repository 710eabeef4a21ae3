# METADATA
# title: A function's image is pinned by digest, in a registry of the organisation
# description: |
#   A digest names one image, a tag whatever was pushed last. A registry of another account can be filled by
#   whoever owns that.
# related_resources:
#   - https://docs.aws.amazon.com/AmazonECR/latest/userguide/docker-pull-ecr-image.html
# schemas:
#   - input: schema.live
# custom:
#   id: DIGEST-001
#   severity: critical
#   remedy: Write <account>.dkr.ecr.<region>.amazonaws.com/<repository>@sha256:<64 hex digits>.
package live.images.pinned

import data.lib.live

image := `^([0-9]{12})\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?/[a-z0-9._/-]+@sha256:[0-9a-f]{64}$`

deny contains live.finding(
	rego.metadata.chain(), environment.images_file, address,
	"it is not pinned by digest in a registry of ours",
) if {
	some environment in input.environments
	some function, uri in environment.images
	not by_digest(uri)
	address := sprintf("%s: %s", [environment.name, function])
}

by_digest(uri) if {
	is_string(uri)
	some match in regex.find_all_string_submatch_n(image, uri, 1)
	some id in input.organization.accounts
	match[1] == id
}
