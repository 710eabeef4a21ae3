# The bucket of the CA bundle that API Gateway trusts. `upload-truststore` fills it; `acm-domain` pins a version of it.

include "root" {
  path   = find_in_parent_folders("root.hcl")
  expose = true
}

terraform {
  source = include.root.locals.sources["truststore"]
}

inputs = {
  bucket_name = include.root.locals.truststore_bucket_name
}
