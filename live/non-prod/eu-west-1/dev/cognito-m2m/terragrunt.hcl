# Who issues access tokens: the user pool, /token in front of it, and the trigger that binds a token to a certificate.

include "root" {
  path   = find_in_parent_folders("root.hcl")
  expose = true
}

terraform {
  source = include.root.locals.sources["cognito-m2m"]
}

dependency "registry" {
  config_path = "../registry"

  mock_outputs_allowed_terraform_commands = ["init", "validate"]
  mock_outputs = {
    table_name = "mock-registry"
    table_arn  = "arn:aws:dynamodb:eu-west-1:000000000000:table/mock-registry"
  }
}

inputs = {
  # required
  name_prefix         = include.root.locals.name_prefix
  environment         = include.root.locals.environment.name
  account_id          = include.root.locals.account_id
  region              = include.root.locals.region
  domain_prefix       = "${include.root.locals.name_prefix}-${include.root.locals.account_id}"
  parameter_prefix    = include.root.locals.parameter_path
  api_domain_name     = include.root.locals.api_domain_name
  registry_table_name = dependency.registry.outputs.table_name
  registry_table_arn  = dependency.registry.outputs.table_arn

  packages = {
    token         = include.root.locals.packages["token"]
    token_binding = include.root.locals.packages["token-binding"]
  }

  resource_server = {
    identifier = "api"
    scopes = {
      read  = "Read through the API"
      write = "Change through the API"
    }
  }

  # One client a tenant or scope set, never one a device: Cognito bills each.
  app_clients = {
    default = {
      scopes = ["api/read", "api/write"]
    }
  }

  # optional
  log_retention_days       = include.root.locals.environment.log_retention_days
  permissions_boundary_arn = include.root.locals.permissions_boundary_arn
}
