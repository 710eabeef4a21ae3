# Who may call which route: token and certificate are judged together, for every request.

include "root" {
  path   = find_in_parent_folders("root.hcl")
  expose = true
}

terraform {
  source = include.root.locals.sources["authorizer"]
}

dependency "registry" {
  config_path = "../registry"

  mock_outputs_allowed_terraform_commands = ["init", "validate"]
  mock_outputs = {
    table_name = "mock-registry"
    table_arn  = "arn:aws:dynamodb:eu-west-1:000000000000:table/mock-registry"
  }
}

dependency "cognito_m2m" {
  config_path = "../cognito-m2m"

  mock_outputs_allowed_terraform_commands = ["init", "validate"]
  mock_outputs = {
    issuer         = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_mock00000"
    jwks_uri       = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_mock00000/.well-known/jwks.json"
    app_client_ids = { default = "mock0000000000000000000000" }
  }
}

inputs = {
  # required
  name_prefix         = include.root.locals.name_prefix
  environment         = include.root.locals.environment.name
  package             = include.root.locals.packages["authorizer"]
  issuer              = dependency.cognito_m2m.outputs.issuer
  jwks_uri            = dependency.cognito_m2m.outputs.jwks_uri
  client_ids          = values(dependency.cognito_m2m.outputs.app_client_ids)
  registry_table_name = dependency.registry.outputs.table_name
  registry_table_arn  = dependency.registry.outputs.table_arn

  # A route that is not listed is refused.
  route_scopes = {
    "GET /whoami" = "api/read"
  }

  # optional
  log_retention_days       = include.root.locals.environment.log_retention_days
  permissions_boundary_arn = include.root.locals.permissions_boundary_arn
}
