# The function images that run in this environment on AWS, by digest:
#
#   authorizer = "<account>.dkr.ecr.<region>.amazonaws.com/<repository>@sha256:<64 hex digits>"
#
# Filled with what the release of the functions built and signed (by hand until a workflow opens that pull request):
# a digest names exactly one image, a tag does not. An entry that is missing stops the plan of its function.
# The laptop has no registry and deploys the zip of the same build tree instead.
locals {
  images = {}
}
