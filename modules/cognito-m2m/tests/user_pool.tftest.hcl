# The pool serves machines only: no sign-up, protected from deletion, in a tier whose pre-token trigger runs for client_credentials,
# and Cognito may call that trigger for this pool alone.
# No cloud is called: the provider is mocked.

mock_provider "aws" {
  override_during = plan
  source          = "./tests/mocks"
}

run "pool_has_no_sign_up_and_is_protected" {
  command = plan

  assert {
    condition     = aws_cognito_user_pool.this.admin_create_user_config[0].allow_admin_create_user_only
    error_message = "Nobody may sign up."
  }

  assert {
    condition     = [for mechanism in aws_cognito_user_pool.this.account_recovery_setting[0].recovery_mechanism : mechanism.name] == ["admin_only"]
    error_message = "There must be no self-service recovery."
  }

  assert {
    condition     = aws_cognito_user_pool.this.deletion_protection == "ACTIVE"
    error_message = "The pool must be protected from deletion by default."
  }
}

run "protection_can_be_taken_off" {
  command = plan

  variables {
    deletion_protection = false
  }

  assert {
    condition     = aws_cognito_user_pool.this.deletion_protection == "INACTIVE"
    error_message = "deletion_protection must reach the pool."
  }
}

# A plan cannot show lifecycle arguments: the source is read instead.
run "the_pool_outlives_a_destroy" {
  command = plan

  assert {
    condition     = length(regexall("prevent_destroy = true", file("${path.module}/main.tf"))) == 1
    error_message = "The pool is not protected by prevent_destroy."
  }
}

run "every_token_passes_the_trigger" {
  command = plan

  assert {
    condition     = aws_cognito_user_pool.this.user_pool_tier == "ESSENTIALS"
    error_message = "In the tier Lite the trigger does not run for client_credentials, and tokens would not be bound."
  }

  assert {
    condition     = aws_cognito_user_pool.this.lambda_config[0].pre_token_generation_config[0].lambda_version == "V3_0"
    error_message = "Only V3_0 fires for client_credentials."
  }

  assert {
    condition     = aws_cognito_user_pool.this.lambda_config[0].pre_token_generation_config[0].lambda_arn == module.token_binding.function_arn
    error_message = "The trigger must be the token_binding function."
  }
}

run "trigger_answers_this_pool_alone" {
  command = plan

  assert {
    condition     = aws_lambda_permission.token_binding.principal == "cognito-idp.amazonaws.com" && aws_lambda_permission.token_binding.function_name == "example-dev-token-binding"
    error_message = "Cognito must be allowed to call the trigger."
  }

  assert {
    condition     = aws_lambda_permission.token_binding.source_arn == "arn:aws:cognito-idp:eu-west-1:222222222222:userpool/eu-west-1_Abcdef123" && aws_lambda_permission.token_binding.source_account == "222222222222"
    error_message = "The permission must name the pool and the account."
  }
}

run "scopes_belong_to_the_resource_server" {
  command = plan

  assert {
    condition     = aws_cognito_resource_server.this.identifier == "api" && toset(aws_cognito_resource_server.this.scope[*].scope_name) == toset(["read", "write"])
    error_message = "The resource server must have the given scopes."
  }
}

run "addresses_are_the_pools" {
  command = plan

  assert {
    condition     = output.issuer == "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Abcdef123"
    error_message = "The issuer must be the pool's."
  }

  assert {
    condition     = output.jwks_uri == "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Abcdef123/.well-known/jwks.json"
    error_message = "The key set must be the pool's."
  }

  assert {
    condition     = output.token_endpoint == "https://example-dev-222222222222.auth.eu-west-1.amazoncognito.com/oauth2/token"
    error_message = "The token endpoint must be that of the pool's domain."
  }
}
