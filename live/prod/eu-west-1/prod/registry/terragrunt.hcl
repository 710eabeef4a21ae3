# Which certificates this environment knows, and the roles through which the certificate authority writes and reads them.

include "root" {
  path   = find_in_parent_folders("root.hcl")
  expose = true
}

terraform {
  source = include.root.locals.sources["registry"]
}

locals {
  // Of the security account; the functions' roles come later than this unit, which only names them.
  caller_prefix = "arn:aws:iam::${include.root.locals.organization.accounts["security"]}:role/"
  ceremony      = "${local.caller_prefix}${include.root.locals.organization.organization}-ceremony"
}

inputs = {
  # required
  name_prefix           = include.root.locals.name_prefix
  account_id            = include.root.locals.account_id
  region                = include.root.locals.region
  truststore_bucket_arn = "arn:aws:s3:::${include.root.locals.truststore_bucket_name}"
  parameter_path        = include.root.locals.parameter_path
  writer_callers        = [local.ceremony, "${local.caller_prefix}${include.root.locals.name_prefix}-issuer"]
  reader_callers        = [local.ceremony, "${local.caller_prefix}${include.root.locals.name_prefix}-crl"]

  # optional
  permissions_boundary_arn = include.root.locals.permissions_boundary_arn
}
