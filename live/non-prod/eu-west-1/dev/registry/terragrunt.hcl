# Which certificates this environment knows, and the one role through which the ceremony may write them.

include "root" {
  path   = find_in_parent_folders("root.hcl")
  expose = true
}

terraform {
  source = include.root.locals.sources["registry"]
}

inputs = {
  # required
  name_prefix           = include.root.locals.name_prefix
  account_id            = include.root.locals.account_id
  region                = include.root.locals.region
  truststore_bucket_arn = "arn:aws:s3:::${include.root.locals.truststore_bucket_name}"
  parameter_path        = include.root.locals.parameter_path
  ceremony_role_arn     = "arn:aws:iam::${include.root.locals.organization.accounts["security"]}:role/${include.root.locals.organization.organization}-ceremony"

  # optional
  permissions_boundary_arn = include.root.locals.permissions_boundary_arn
}
