# The authorizer knows its issuer, routes and clients, and may read items of its registry alone.
# No cloud is called: the provider is mocked.

mock_provider "aws" {
  override_during = plan
  source          = "./tests/mocks"
}

variables {
  name_prefix         = "example-dev"
  environment         = "dev"
  issuer              = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Abcdef123"
  jwks_uri            = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Abcdef123/.well-known/jwks.json"
  registry_table_name = "example-dev-registry"
  registry_table_arn  = "arn:aws:dynamodb:eu-west-1:222222222222:table/example-dev-registry"
  route_scopes        = { "GET /whoami" = "api/read" }
  client_ids          = ["7example23456789", "1example23456789"]
  package = {
    image_uri = "222222222222.dkr.ecr.eu-west-1.amazonaws.com/example-authorizer@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  }
}

run "is_named_after_the_environment" {
  command = plan

  assert {
    condition     = output.function_name == "example-dev-authorizer"
    error_message = "The function must be <name_prefix>-authorizer."
  }
}

run "knows_what_it_judges_by" {
  command = plan

  assert {
    condition = module.function.environment == tomap({
      POWERTOOLS_SERVICE_NAME      = "authorizer"
      POWERTOOLS_METRICS_NAMESPACE = "mtls-api"
      LOG_LEVEL                    = "INFO"
      ENVIRONMENT                  = "dev"
      ISSUER                       = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Abcdef123"
      JWKS_URI                     = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Abcdef123/.well-known/jwks.json"
      REGISTRY_TABLE               = "example-dev-registry"
      ROUTE_SCOPES                 = "{\"GET /whoami\":\"api/read\"}"
      CLIENT_IDS                   = "[\"1example23456789\",\"7example23456789\"]"
      DECISION_CACHE_SECONDS       = "1"
    })
    error_message = "The function's environment must be what its handler reads, client ids in one order whatever order they came in."
  }
}

run "may_get_items_of_its_registry_and_nothing_else" {
  command = plan

  assert {
    condition = jsondecode(module.function.policy).Statement == [{
      Sid      = "ReadRegistry"
      Effect   = "Allow"
      Action   = ["dynamodb:GetItem"]
      Resource = ["arn:aws:dynamodb:eu-west-1:222222222222:table/example-dev-registry"]
    }]
    error_message = "The authorizer must be able to get items of the registry's table, not its index, and nothing else."
  }
}

run "cache_and_level_can_be_chosen" {
  command = plan

  variables {
    decision_cache_seconds = 0
    log_level              = "DEBUG"
  }

  assert {
    condition     = module.function.environment["DECISION_CACHE_SECONDS"] == "0" && module.function.environment["LOG_LEVEL"] == "DEBUG"
    error_message = "decision_cache_seconds and log_level must reach the function."
  }
}
