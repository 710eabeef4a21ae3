# The API is reached through its custom domain alone; protected routes ask the authorizer, each time anew; and only this API may
# call the functions.
# No cloud is called: the provider is mocked.

mock_provider "aws" {
  override_during = plan
  source          = "./tests/mocks"
}

run "default_endpoint_is_off" {
  command = plan

  assert {
    condition     = aws_apigatewayv2_api.this.disable_execute_api_endpoint
    error_message = "The default endpoint asks for no client certificate and must not answer."
  }

  assert {
    condition     = aws_apigatewayv2_api_mapping.this.domain_name == "api.dev.example.com" && aws_apigatewayv2_api_mapping.this.api_id == "a1b2c3d4e5"
    error_message = "The API must be mapped to the custom domain."
  }
}

run "authorizer_judges_each_call_anew" {
  command = plan

  assert {
    condition     = aws_apigatewayv2_authorizer.this.authorizer_result_ttl_in_seconds == 0
    error_message = "A cached answer would ignore the certificate."
  }

  assert {
    condition     = aws_apigatewayv2_authorizer.this.identity_sources == toset(["$request.header.Authorization"])
    error_message = "A call without a token must be refused before the authorizer runs."
  }

  assert {
    condition     = aws_apigatewayv2_authorizer.this.authorizer_type == "REQUEST" && aws_apigatewayv2_authorizer.this.authorizer_payload_format_version == "2.0" && aws_apigatewayv2_authorizer.this.enable_simple_responses
    error_message = "The authorizer must see the certificate (REQUEST, payload 2.0) and answer yes or no."
  }

  assert {
    condition     = aws_apigatewayv2_authorizer.this.authorizer_uri == var.authorizer.invoke_arn
    error_message = "The authorizer must be the function that was given."
  }
}

run "routes_are_guarded_as_they_say" {
  command = plan

  assert {
    condition     = aws_apigatewayv2_route.this["GET /whoami"].authorization_type == "CUSTOM" && aws_apigatewayv2_route.this["GET /whoami"].authorizer_id == "auth01"
    error_message = "A protected route must ask the authorizer."
  }

  assert {
    condition = alltrue([
      for key in ["POST /token", "GET /.well-known/oauth-authorization-server"] :
      aws_apigatewayv2_route.this[key].authorization_type == "NONE" && aws_apigatewayv2_route.this[key].authorizer_id == null
    ])
    error_message = "What must answer before there is a token must not ask for one."
  }

  assert {
    condition     = keys(aws_apigatewayv2_route.this) == ["GET /.well-known/oauth-authorization-server", "GET /whoami", "POST /token"]
    error_message = "There must be no route beside those given."
  }
}

run "one_integration_serves_all_routes_of_a_function" {
  command = plan

  assert {
    condition     = { for name, integration in aws_apigatewayv2_integration.this : name => integration.integration_uri } == { example-dev-token = var.routes["POST /token"].invoke_arn, example-dev-whoami = var.routes["GET /whoami"].invoke_arn }
    error_message = "There must be one integration a function."
  }

  assert {
    condition     = alltrue([for integration in aws_apigatewayv2_integration.this : integration.payload_format_version == "2.0" && integration.integration_type == "AWS_PROXY"])
    error_message = "Integrations must hand over the certificate (payload 2.0)."
  }
}

run "only_this_api_may_call_the_functions" {
  command = plan

  assert {
    condition     = { for name, permission in aws_lambda_permission.integration : permission.function_name => permission.source_arn } == { example-dev-token = "arn:aws:execute-api:eu-west-1:222222222222:a1b2c3d4e5/*/*", example-dev-whoami = "arn:aws:execute-api:eu-west-1:222222222222:a1b2c3d4e5/*/*" }
    error_message = "Each function's permission must name this API."
  }

  assert {
    condition     = aws_lambda_permission.authorizer.source_arn == "arn:aws:execute-api:eu-west-1:222222222222:a1b2c3d4e5/authorizers/auth01" && aws_lambda_permission.authorizer.function_name == "example-dev-authorizer"
    error_message = "The authorizer's permission must name this API's authorizer."
  }

  assert {
    condition     = alltrue([for permission in concat(values(aws_lambda_permission.integration), [aws_lambda_permission.authorizer]) : permission.principal == "apigateway.amazonaws.com"])
    error_message = "Only API Gateway may call."
  }
}

run "mapping_key_can_be_chosen" {
  command = plan

  variables {
    mapping_key = "v1"
  }

  assert {
    condition     = aws_apigatewayv2_api_mapping.this.api_mapping_key == "v1"
    error_message = "mapping_key must reach the mapping."
  }
}
