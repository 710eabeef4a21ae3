# Which certificates this environment knows, and the one role through which the ceremony may write them.

include "root" {
  path   = find_in_parent_folders("root.hcl")
  expose = true
}

terraform {
  source = include.root.locals.sources["registry"]
}

dependency "truststore" {
  config_path = "../truststore"

  mock_outputs_allowed_terraform_commands = ["init", "validate", "plan"]
  mock_outputs = {
    bucket_arn = "arn:aws:s3:::mock-truststore-000000000000"
  }
}

inputs = {
  # required
  name_prefix           = include.root.locals.name_prefix
  account_id            = include.root.locals.account_id
  truststore_bucket_arn = dependency.truststore.outputs.bucket_arn

  # From known names: a role in another account, which this one cannot look up.
  ceremony_role_arn = "arn:aws:iam::${include.root.locals.organization.accounts["security"]}:role/${include.root.locals.organization.organization}-ceremony"
}
