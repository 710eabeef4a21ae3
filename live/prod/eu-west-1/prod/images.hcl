# The function images that run in this environment on AWS, by digest:
#
#   authorizer = "<account>.dkr.ecr.<region>.amazonaws.com/<repository>@sha256:<64 hex digits>"
#
# A digest names exactly one image, a tag does not. Filled by hand until there is a release workflow to propose it.
# An entry that is missing stops the plan of its function.
# The laptop has no registry and deploys the zip of the same build tree instead.
locals {
  images = {}
}
