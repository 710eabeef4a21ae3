# Renewal by the devices themselves (EST, RFC 7030): takes their requests, and asks the issuer in the security account.

include "root" {
  path   = find_in_parent_folders("root.hcl")
  expose = true
}

terraform {
  source = include.root.locals.sources["function"]
}

locals {
  // Named only: the security account's administrator makes the issuer, before or after this.
  issuer_name     = "${include.root.locals.name_prefix}-issuer"
  issuer_role_arn = "arn:aws:iam::${include.root.locals.organization.accounts["security"]}:role/${local.issuer_name}-invoker"
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
  name        = "${include.root.locals.name_prefix}-est"
  description = "Takes devices' requests to renew their certificates (RFC 7030)"
  package     = include.root.locals.packages["est"]
  handler     = "mtls_est.handler.handler"

  # optional
  timeout_seconds          = 29
  log_retention_days       = include.root.locals.environment.log_retention_days
  permissions_boundary_arn = include.root.locals.permissions_boundary_arn
  environment = {
    ENVIRONMENT                  = include.root.locals.environment.name
    ISSUER_FUNCTION_NAME         = local.issuer_name
    ISSUER_ROLE_ARN              = local.issuer_role_arn
    LOG_LEVEL                    = "INFO"
    POWERTOOLS_METRICS_NAMESPACE = "mtls-api"
    POWERTOOLS_SERVICE_NAME      = "est"
    REGISTRY_TABLE               = dependency.registry.outputs.table_name
  }
  policy_statements = [
    {
      sid       = "ReadRegistry"
      actions   = ["dynamodb:GetItem"]
      resources = [dependency.registry.outputs.table_arn]
    },
    {
      sid       = "AskIssuer"
      actions   = ["sts:AssumeRole"]
      resources = [local.issuer_role_arn]
    },
  ]
}
