# Who notices in time that a certificate ends: a scheduled function, its metrics, and alarms on them.

include "root" {
  path   = find_in_parent_folders("root.hcl")
  expose = true
}

terraform {
  source = include.root.locals.sources["watch"]
}

dependency "registry" {
  config_path = "../registry"

  mock_outputs_allowed_terraform_commands = ["init", "validate"]
  mock_outputs = {
    table_name = "mock-registry"
    table_arn  = "arn:aws:dynamodb:eu-west-1:000000000000:table/mock-registry"
  }
}

dependency "truststore" {
  config_path = "../truststore"

  mock_outputs_allowed_terraform_commands = ["init", "validate"]
  mock_outputs = {
    bucket_arn = "arn:aws:s3:::mock-truststore-000000000000"
  }
}

inputs = {
  # required
  name_prefix           = include.root.locals.name_prefix
  environment           = include.root.locals.environment.name
  account_id            = include.root.locals.account_id
  region                = include.root.locals.region
  package               = include.root.locals.packages["watch"]
  registry_table_name   = dependency.registry.outputs.table_name
  registry_table_arn    = dependency.registry.outputs.table_arn
  api_domain_name       = include.root.locals.api_domain_name
  truststore_bucket_arn = dependency.truststore.outputs.bucket_arn

  # optional
  log_retention_days       = include.root.locals.environment.log_retention_days
  permissions_boundary_arn = include.root.locals.permissions_boundary_arn
}
