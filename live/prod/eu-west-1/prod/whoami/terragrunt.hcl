# The sample service behind the API: answers who the caller is.

include "root" {
  path   = find_in_parent_folders("root.hcl")
  expose = true
}

terraform {
  source = include.root.locals.sources["function"]
}

inputs = {
  # required
  name        = "${include.root.locals.name_prefix}-whoami"
  description = "Answers who the caller is"
  package     = include.root.locals.packages["whoami"]
  handler     = "mtls_whoami.handler.handler"

  # optional
  log_retention_days       = include.root.locals.environment.log_retention_days
  permissions_boundary_arn = include.root.locals.permissions_boundary_arn
  environment = {
    ENVIRONMENT                  = include.root.locals.environment.name
    LOG_LEVEL                    = "INFO"
    POWERTOOLS_METRICS_NAMESPACE = "mtls-api"
    POWERTOOLS_SERVICE_NAME      = "whoami"
  }
}
