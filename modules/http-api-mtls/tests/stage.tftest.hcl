# Every route is throttled, and every call leaves a line in an access log that is kept: who called by certificate, and what became of it.
# No cloud is called: the provider is mocked.

mock_provider "aws" {
  override_during = plan
  source          = "./tests/mocks"
}

run "every_route_is_throttled" {
  command = plan

  assert {
    condition     = aws_apigatewayv2_stage.this.default_route_settings[0].throttling_burst_limit == 100 && aws_apigatewayv2_stage.this.default_route_settings[0].throttling_rate_limit == 50
    error_message = "throttling must reach every route."
  }

  assert {
    condition     = length(aws_apigatewayv2_stage.this.route_settings) == 0
    error_message = "No route has limits of its own by default."
  }
}

run "single_route_can_have_limits_of_its_own" {
  command = plan

  variables {
    route_throttling = {
      "POST /token" = { burst = 20, rate = 10 }
    }
  }

  assert {
    condition     = [for settings in aws_apigatewayv2_stage.this.route_settings : [settings.route_key, tostring(settings.throttling_burst_limit), tostring(settings.throttling_rate_limit)]] == [["POST /token", "20", "10"]]
    error_message = "route_throttling must reach its route."
  }
}

run "stage_is_the_default_and_deploys_by_itself" {
  command = plan

  assert {
    condition     = aws_apigatewayv2_stage.this.name == "$default" && aws_apigatewayv2_stage.this.auto_deploy
    error_message = "A changed route must be served without another step."
  }

  assert {
    condition     = aws_apigatewayv2_stage.this.default_route_settings[0].detailed_metrics_enabled
    error_message = "Metrics must tell routes apart."
  }
}

run "access_log_tells_the_certificate" {
  command = plan

  assert {
    condition = {
      for name, value in jsondecode(aws_apigatewayv2_stage.this.access_log_settings[0].format) : name => value if startswith(name, "clientCert")
      } == {
      clientCertSubject   = "$context.identity.clientCert.subjectDN"
      clientCertIssuer    = "$context.identity.clientCert.issuerDN"
      clientCertSerial    = "$context.identity.clientCert.serialNumber"
      clientCertNotBefore = "$context.identity.clientCert.validity.notBefore"
      clientCertNotAfter  = "$context.identity.clientCert.validity.notAfter"
    }
    error_message = "The access log must say which certificate called."
  }
}

run "access_log_tells_what_became_of_the_call" {
  command = plan

  assert {
    condition = alltrue([
      for variable in [
        "$context.requestId", "$context.routeKey", "$context.status", "$context.authorizer.error", "$context.integration.error",
        "$context.identity.sourceIp", "$context.authorizer.client_id", "$context.authorizer.fingerprint",
      ] : contains(values(jsondecode(aws_apigatewayv2_stage.this.access_log_settings[0].format)), variable)
    ])
    error_message = "The access log must say who called, what for and what became of it."
  }
}

run "access_log_holds_nothing_that_a_caller_writes_freely" {
  command = plan

  assert {
    condition = length([
      for variable in values(jsondecode(aws_apigatewayv2_stage.this.access_log_settings[0].format)) : variable
      if can(regex("userAgent|context\\.path|clientCertPem|header|querystring", variable))
    ]) == 0
    error_message = "A caller must not be able to write into the log, and no certificate or token belongs there."
  }
}

run "access_log_is_kept_for_a_year" {
  command = plan

  assert {
    condition     = aws_cloudwatch_log_group.access.name == "/aws/vendedlogs/apigateway/example-dev-api/access" && aws_cloudwatch_log_group.access.retention_in_days == 365
    error_message = "The access log must be kept for a year by default."
  }

  assert {
    condition     = aws_apigatewayv2_stage.this.access_log_settings[0].destination_arn == aws_cloudwatch_log_group.access.arn
    error_message = "The stage must log to the group."
  }
}

run "retention_and_key_can_be_chosen" {
  command = plan

  variables {
    log_retention_days = 30
    log_kms_key_arn    = "arn:aws:kms:eu-west-1:222222222222:key/11111111-2222-3333-4444-555555555555"
  }

  assert {
    condition     = aws_cloudwatch_log_group.access.retention_in_days == 30 && aws_cloudwatch_log_group.access.kms_key_id == "arn:aws:kms:eu-west-1:222222222222:key/11111111-2222-3333-4444-555555555555"
    error_message = "log_retention_days and log_kms_key_arn must reach the log group."
  }
}
