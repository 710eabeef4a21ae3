# App clients know client_credentials alone, and their secret goes from Cognito to Secrets Manager inside CloudFormation: Terraform
# has a template with a reference, and outputs with ids.
# No cloud is called: the provider is mocked.

mock_provider "aws" {
  override_during = plan
  source          = "./tests/mocks"
}

run "client_gets_tokens_by_client_credentials_alone" {
  command = plan

  assert {
    condition = jsondecode(aws_cloudformation_stack.app_clients.template_body).Resources.ClientDefault == {
      Type = "AWS::Cognito::UserPoolClient"
      Properties = {
        ClientName                      = "example-dev-default"
        UserPoolId                      = "eu-west-1_Abcdef123"
        GenerateSecret                  = true
        AllowedOAuthFlowsUserPoolClient = true
        AllowedOAuthFlows               = ["client_credentials"]
        AllowedOAuthScopes              = ["api/read", "api/write"]
        AccessTokenValidity             = 15
        TokenValidityUnits              = { AccessToken = "minutes" }
        EnableTokenRevocation           = true
        ExplicitAuthFlows               = ["ALLOW_REFRESH_TOKEN_AUTH"]
        PreventUserExistenceErrors      = "ENABLED"
      }
    }
    error_message = "An app client must know client_credentials alone, with its scopes and a short-lived token."
  }

  assert {
    condition     = jsondecode(aws_cloudformation_stack.app_clients.template_body).Resources.ClientPartnerA.Properties.AllowedOAuthScopes == ["api/read"]
    error_message = "Each client must have its own scopes."
  }
}

run "secret_goes_from_cognito_to_secrets_manager" {
  command = plan

  assert {
    condition     = jsondecode(aws_cloudformation_stack.app_clients.template_body).Resources.SecretPartnerA.Type == "AWS::SecretsManager::Secret"
    error_message = "Each client must have a secret."
  }

  assert {
    condition     = jsondecode(aws_cloudformation_stack.app_clients.template_body).Resources.SecretPartnerA.Properties.Name == { "Fn::Sub" = "example-dev/app-client/$${ClientPartnerA}" }
    error_message = "The secret must be found by the client's id."
  }

  assert {
    condition = jsondecode(
      jsondecode(aws_cloudformation_stack.app_clients.template_body).Resources.SecretPartnerA.Properties.SecretString["Fn::Sub"]
      ) == {
      client_id     = "$${ClientPartnerA}"
      client_secret = "$${ClientPartnerA.ClientSecret}"
    }
    error_message = "The secret must be put together by CloudFormation."
  }
}

run "terraform_sees_ids_and_no_secret" {
  command = plan

  assert {
    condition     = { for name, output in jsondecode(aws_cloudformation_stack.app_clients.template_body).Outputs : name => output.Value } == { ClientDefault = { Ref = "ClientDefault" }, ClientPartnerA = { Ref = "ClientPartnerA" } }
    error_message = "The stack must give out client ids alone: an output is readable by whoever may describe the stack, and lies in Terraform's state."
  }

  assert {
    condition     = output.app_client_ids == { default = "7example23456789", partner-a = "1example23456789" }
    error_message = "app_client_ids must map each name to its id."
  }
}

run "ids_are_found_by_name" {
  command = plan

  assert {
    condition     = { for name, parameter in aws_ssm_parameter.app_client : parameter.name => nonsensitive(parameter.value) } == { "/example/dev/app-clients/default" = "7example23456789", "/example/dev/app-clients/partner-a" = "1example23456789" }
    error_message = "Each client's id must lie at <parameter_prefix>/app-clients/<name>."
  }
}

run "template_that_cloudformation_would_refuse_is_refused_first" {
  command = plan

  variables {
    app_clients = { for number in range(50) : format("a-partner-company-with-a-rather-long-name-and-number-%02d", number) => { scopes = ["api/read"] } }
  }

  # Fewer outputs than clients would fail elsewhere first.
  override_resource {
    target          = aws_cloudformation_stack.app_clients
    override_during = plan
    values = {
      outputs = {}
    }
  }

  expect_failures = [aws_cloudformation_stack.app_clients]
}

run "token_lives_as_long_as_asked" {
  command = plan

  variables {
    access_token_validity_minutes = 60
  }

  assert {
    condition     = jsondecode(aws_cloudformation_stack.app_clients.template_body).Resources.ClientDefault.Properties.AccessTokenValidity == 60
    error_message = "access_token_validity_minutes must reach the client."
  }
}
