# The HTTP API: its routes, who guards them, and its name in DNS.

include "root" {
  path   = find_in_parent_folders("root.hcl")
  expose = true
}

terraform {
  source = include.root.locals.sources["http-api-mtls"]
}

dependency "dns_zone" {
  config_path = "../../account/dns-zone"

  mock_outputs_allowed_terraform_commands = ["init", "validate"]
  mock_outputs = {
    zone_ids = { (include.root.locals.zone_name) = "Z000000000000MOCK" }
  }
}

dependency "acm_domain" {
  config_path = "../acm-domain"

  mock_outputs_allowed_terraform_commands = ["init", "validate"]
  mock_outputs = {
    domain_name        = "api.mock.example.com"
    target_domain_name = "d-mock000000.execute-api.eu-west-1.amazonaws.com"
    hosted_zone_id     = "Z000000000000MOCK"
  }
}

dependency "cognito_m2m" {
  config_path = "../cognito-m2m"

  mock_outputs_allowed_terraform_commands = ["init", "validate"]
  mock_outputs = {
    token_function_name = "mock-token"
    token_invoke_arn    = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:000000000000:function:mock-token/invocations"
  }
}

dependency "authorizer" {
  config_path = "../authorizer"

  mock_outputs_allowed_terraform_commands = ["init", "validate"]
  mock_outputs = {
    function_name = "mock-authorizer"
    invoke_arn    = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:000000000000:function:mock-authorizer/invocations"
  }
}

dependency "est" {
  config_path = "../est"

  mock_outputs_allowed_terraform_commands = ["init", "validate"]
  mock_outputs = {
    function_name = "mock-est"
    invoke_arn    = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:000000000000:function:mock-est/invocations"
  }
}

dependency "whoami" {
  config_path = "../whoami"

  mock_outputs_allowed_terraform_commands = ["init", "validate"]
  mock_outputs = {
    function_name = "mock-whoami"
    invoke_arn    = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:000000000000:function:mock-whoami/invocations"
  }
}

inputs = {
  # required
  name_prefix        = include.root.locals.name_prefix
  domain_name        = dependency.acm_domain.outputs.domain_name
  target_domain_name = dependency.acm_domain.outputs.target_domain_name
  target_zone_id     = dependency.acm_domain.outputs.hosted_zone_id
  zone_id            = dependency.dns_zone.outputs.zone_ids[include.root.locals.zone_name]

  authorizer = {
    function_name = dependency.authorizer.outputs.function_name
    invoke_arn    = dependency.authorizer.outputs.invoke_arn
  }

  # "none" means no token: the domain demands a certificate before any route is reached.
  routes = {
    "POST /token" = {
      function_name = dependency.cognito_m2m.outputs.token_function_name
      invoke_arn    = dependency.cognito_m2m.outputs.token_invoke_arn
      authorization = "none"
    }
    "GET /.well-known/oauth-authorization-server" = {
      function_name = dependency.cognito_m2m.outputs.token_function_name
      invoke_arn    = dependency.cognito_m2m.outputs.token_invoke_arn
      authorization = "none"
    }
    "POST /.well-known/est/simplereenroll" = {
      function_name = dependency.est.outputs.function_name
      invoke_arn    = dependency.est.outputs.invoke_arn
      authorization = "none"
    }
    "GET /.well-known/est/cacerts" = {
      function_name = dependency.est.outputs.function_name
      invoke_arn    = dependency.est.outputs.invoke_arn
      authorization = "none"
    }
    "GET /whoami" = {
      function_name = dependency.whoami.outputs.function_name
      invoke_arn    = dependency.whoami.outputs.invoke_arn
      authorization = "authorizer"
    }
  }

  throttling = include.root.locals.environment.throttling

  # optional
  log_retention_days = include.root.locals.environment.log_retention_days
}
