module "function" {
  source = "../function"

  name        = "${var.name_prefix}-authorizer"
  description = "Decides on each call: access token, client certificate and the binding between them"
  package     = var.package
  handler     = "mtls_authorizer.handler.handler"

  memory_mb = var.memory_mb
  # API Gateway gives up on an authorizer after 10 s; the function's own refusal should come first.
  timeout_seconds      = 9
  reserved_concurrency = var.reserved_concurrency

  environment = {
    POWERTOOLS_SERVICE_NAME      = "authorizer"
    POWERTOOLS_METRICS_NAMESPACE = "mtls-api"
    LOG_LEVEL                    = var.log_level
    ENVIRONMENT                  = var.environment
    ISSUER                       = var.issuer
    JWKS_URI                     = var.jwks_uri
    REGISTRY_TABLE               = var.registry_table_name
    ROUTE_SCOPES                 = jsonencode(var.route_scopes)
    CLIENT_IDS                   = jsonencode(sort(distinct(var.client_ids)))
    DECISION_CACHE_SECONDS       = tostring(var.decision_cache_seconds)
  }

  policy_statements = [{
    sid       = "ReadRegistry"
    actions   = ["dynamodb:GetItem"]
    resources = [var.registry_table_arn]
  }]

  log_retention_days       = var.log_retention_days
  log_kms_key_arn          = var.log_kms_key_arn
  permissions_boundary_arn = var.permissions_boundary_arn
}
