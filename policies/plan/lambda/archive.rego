# METADATA
# title: Functions come as images, whose signature can be verified
# description: |
#   The zip of the same build tree is for the laptop, which has no registry. Nobody signs it: where it is known
#   which images were verified, a zip would be the way around.
# related_resources:
#   - https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-package.html
# schemas:
#   - input: schema.plan
# custom:
#   id: LAMBDA-002
#   severity: medium
#   remedy: Add the function's image to the environment's images.hcl.
package plan.lambda.archive

import data.lib.plan

warn contains plan.finding(rego.metadata.chain(), function, "the function comes as a zip, which nobody signed") if {
	not data.images
	some function in zipped
}

deny contains plan.finding(rego.metadata.chain(), function, "the function comes as a zip, which nobody signed") if {
	data.images
	some function in zipped
}

undecided contains plan.finding(rego.metadata.chain(), function, "package_type is unknown") if {
	some function in plan.resources("aws_lambda_function")
	plan.unknown(function, ["package_type"])
}

zipped := [function |
	some function in plan.resources("aws_lambda_function")
	plan.known(function, ["package_type"]) != "Image"
]
