# METADATA
# title: Functions run images that were verified, by their digest
# description: |
#   A tag can be moved to another image, a digest cannot. Which digests carry the release workflow's signature
#   is told by `data.images`, a second bundle: without it a pinned image is undecided, with it one that is not
#   in there is refused.
# related_resources:
#   - https://docs.aws.amazon.com/lambda/latest/dg/images-create.html
#   - https://docs.sigstore.dev/cosign/verifying/verify/
# schemas:
#   - input: schema.plan
# custom:
#   id: LAMBDA-001
#   severity: critical
#   remedy: Name the image as <repository>@sha256:<digest> in images.hcl, one that the release workflow has signed.
package plan.lambda.image

import data.lib.plan

deny contains plan.finding(rego.metadata.chain(), function, sprintf("%s has no digest", [image])) if {
	some function in plan.resources("aws_lambda_function")
	image := named(function)
	not pinned(image)
}

deny contains plan.finding(rego.metadata.chain(), function, sprintf("%s was not verified", [image])) if {
	some function in plan.resources("aws_lambda_function")
	image := named(function)
	pinned(image)
	object.get(data.images, [image, "verified"], false) != true
}

undecided contains plan.finding(rego.metadata.chain(), function, "image_uri is unknown") if {
	some function in plan.resources("aws_lambda_function")
	plan.unknown(function, ["image_uri"])
}

undecided contains plan.finding(rego.metadata.chain(), function, message) if {
	not data.images
	some function in plan.resources("aws_lambda_function")
	image := named(function)
	pinned(image)
	message := sprintf("whether %s was verified is unknown", [image])
}

named(function) := image if {
	image := plan.known(function, ["image_uri"])
	not image in {null, ""}
}

pinned(image) if regex.match(`^[^@]+@sha256:[0-9a-f]{64}$`, image)
