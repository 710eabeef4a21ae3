# Where reviewed plans wait for their apply: the plan role writes them, the apply role alone reads them.

include "root" {
  path   = find_in_parent_folders("root.hcl")
  expose = true
}

terraform {
  source = include.root.locals.sources["plan-bucket"]
}

inputs = {
  bucket_name  = include.root.locals.plan_bucket_name
  organization = include.root.locals.organization.organization
  account_id   = include.root.locals.account_id
  region       = include.root.locals.region
}
