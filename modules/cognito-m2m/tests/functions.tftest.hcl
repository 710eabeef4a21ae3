# Each function is told what its handler reads, and no more.
# No cloud is called: the provider is mocked.

mock_provider "aws" {
  override_during = plan
  source          = "./tests/mocks"
}

run "functions_are_named_after_the_environment" {
  command = plan

  assert {
    condition     = output.token_function_name == "example-dev-token" && module.token_binding.function_name == "example-dev-token-binding"
    error_message = "The functions must be <name_prefix>-token and <name_prefix>-token-binding."
  }
}

run "token_knows_cognito_registry_and_key" {
  command = plan

  assert {
    condition = module.token.environment == tomap({
      POWERTOOLS_SERVICE_NAME      = "token"
      POWERTOOLS_METRICS_NAMESPACE = "mtls-api"
      LOG_LEVEL                    = "INFO"
      ENVIRONMENT                  = "dev"
      BINDING_KEY_ID               = "alias/example-dev-token-binding"
      REGISTRY_TABLE               = "example-dev-registry"
      COGNITO_TOKEN_ENDPOINT       = "https://example-dev-222222222222.auth.eu-west-1.amazoncognito.com/oauth2/token"
      APP_CLIENT_SECRET_PREFIX     = "example-dev/app-client"
      API_DOMAIN_NAME              = "api.dev.example.com"
      SCOPES_SUPPORTED             = "[\"api/read\",\"api/write\"]"
      JWKS_URI                     = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Abcdef123/.well-known/jwks.json"
    })
    error_message = "token's environment must be what its handler reads."
  }
}

run "trigger_knows_the_key" {
  command = plan

  assert {
    condition = module.token_binding.environment == tomap({
      POWERTOOLS_SERVICE_NAME      = "token-binding"
      POWERTOOLS_METRICS_NAMESPACE = "mtls-api"
      LOG_LEVEL                    = "INFO"
      ENVIRONMENT                  = "dev"
      BINDING_KEY_ID               = "alias/example-dev-token-binding"
    })
    error_message = "token_binding's environment must be what its handler reads."
  }
}
