# Every input that is out of bounds is refused, with the variable named.
# No cloud is called: the provider is mocked.

mock_provider "aws" {
  override_during = plan
  source          = "./tests/mocks"
}

run "refuses_a_prefix_with_capitals" {
  command = plan

  variables {
    name_prefix = "Example-dev"
  }

  expect_failures = [var.name_prefix]
}

run "refuses_a_domain_that_is_a_url" {
  command = plan

  variables {
    domain_name = "https://api.dev.example.com"
  }

  expect_failures = [var.domain_name]
}

run "refuses_a_target_that_is_a_url" {
  command = plan

  variables {
    target_domain_name = "https://d-0123456789.execute-api.eu-west-1.amazonaws.com"
  }

  expect_failures = [var.target_domain_name]
}

run "refuses_a_target_zone_that_is_a_name" {
  command = plan

  variables {
    target_zone_id = "eu-west-1"
  }

  expect_failures = [var.target_zone_id]
}

run "refuses_a_zone_that_is_a_name" {
  command = plan

  variables {
    zone_id = "dev.example.com"
  }

  expect_failures = [var.zone_id]
}

run "refuses_a_mapping_key_with_a_leading_slash" {
  command = plan

  variables {
    mapping_key = "/v1"
  }

  expect_failures = [var.mapping_key]
}

run "refuses_an_empty_mapping_key" {
  command = plan

  variables {
    mapping_key = ""
  }

  expect_failures = [var.mapping_key]
}

run "refuses_an_authorizer_by_function_arn" {
  command = plan

  variables {
    authorizer = {
      function_name = "example-dev-authorizer"
      invoke_arn    = "arn:aws:lambda:eu-west-1:222222222222:function:example-dev-authorizer"
    }
  }

  expect_failures = [var.authorizer]
}

run "refuses_no_routes" {
  command = plan

  variables {
    routes = {}
  }

  expect_failures = [var.routes]
}

run "refuses_a_default_route" {
  command = plan

  variables {
    routes = {
      "$default" = { function_name = "example-dev-whoami", invoke_arn = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:222222222222:function:example-dev-whoami/invocations", authorization = "authorizer" }
    }
  }

  expect_failures = [var.routes]
}

run "refuses_a_route_without_a_method" {
  command = plan

  variables {
    routes = {
      "/whoami" = { function_name = "example-dev-whoami", invoke_arn = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:222222222222:function:example-dev-whoami/invocations", authorization = "authorizer" }
    }
  }

  expect_failures = [var.routes]
}

run "refuses_a_route_without_a_slash" {
  command = plan

  variables {
    routes = {
      "GET whoami" = { function_name = "example-dev-whoami", invoke_arn = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:222222222222:function:example-dev-whoami/invocations", authorization = "authorizer" }
    }
  }

  expect_failures = [var.routes]
}

run "refuses_an_unknown_authorization" {
  command = plan

  variables {
    routes = {
      "GET /whoami" = { function_name = "example-dev-whoami", invoke_arn = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:222222222222:function:example-dev-whoami/invocations", authorization = "iam" }
    }
  }

  expect_failures = [var.routes]
}

run "refuses_an_empty_authorization" {
  command = plan

  variables {
    routes = {
      "GET /whoami" = { function_name = "example-dev-whoami", invoke_arn = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:222222222222:function:example-dev-whoami/invocations", authorization = "" }
    }
  }

  expect_failures = [var.routes]
}

run "refuses_a_route_by_function_arn" {
  command = plan

  variables {
    routes = {
      "GET /whoami" = { function_name = "example-dev-whoami", invoke_arn = "arn:aws:lambda:eu-west-1:222222222222:function:example-dev-whoami", authorization = "authorizer" }
    }
  }

  expect_failures = [var.routes]
}

run "refuses_one_function_with_two_addresses" {
  command = plan

  variables {
    routes = {
      "GET /whoami" = { function_name = "example-dev-whoami", invoke_arn = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:222222222222:function:example-dev-whoami/invocations", authorization = "authorizer" }
      "GET /me"     = { function_name = "example-dev-whoami", invoke_arn = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:222222222222:function:other/invocations", authorization = "authorizer" }
    }
  }

  expect_failures = [var.routes]
}

run "refuses_a_rate_of_nothing" {
  command = plan

  variables {
    throttling = { burst = 100, rate = 0 }
  }

  expect_failures = [var.throttling]
}

run "refuses_a_burst_of_nothing" {
  command = plan

  variables {
    throttling = { burst = 0, rate = 50 }
  }

  expect_failures = [var.throttling]
}

run "refuses_half_a_request_at_once" {
  command = plan

  variables {
    throttling = { burst = 1.5, rate = 50 }
  }

  expect_failures = [var.throttling]
}

run "refuses_limits_of_a_route_that_is_not_there" {
  command = plan

  variables {
    route_throttling = {
      "GET /other" = { burst = 1, rate = 1 }
    }
  }

  expect_failures = [var.route_throttling]
}

run "refuses_a_rate_of_nothing_for_a_route" {
  command = plan

  variables {
    route_throttling = {
      "POST /token" = { burst = 1, rate = 0 }
    }
  }

  expect_failures = [var.route_throttling]
}

run "refuses_a_retention_that_cloudwatch_does_not_know" {
  command = plan

  variables {
    log_retention_days = 42
  }

  expect_failures = [var.log_retention_days]
}

run "refuses_to_keep_the_log_for_ever" {
  command = plan

  variables {
    log_retention_days = 0
  }

  expect_failures = [var.log_retention_days]
}

run "refuses_a_key_alias_for_the_log" {
  command = plan

  variables {
    log_kms_key_arn = "arn:aws:kms:eu-west-1:222222222222:alias/logs"
  }

  expect_failures = [var.log_kms_key_arn]
}

run "refuses_an_error_rate_in_percent" {
  command = plan

  variables {
    unhealthy_error_rate = 5
  }

  expect_failures = [var.unhealthy_error_rate]
}

run "refuses_an_error_rate_of_nothing" {
  command = plan

  variables {
    unhealthy_error_rate = 0
  }

  expect_failures = [var.unhealthy_error_rate]
}

run "refuses_an_alarm_topic_that_is_a_queue" {
  command = plan

  variables {
    alarm_topic_arns = ["arn:aws:sqs:eu-west-1:222222222222:alarms"]
  }

  expect_failures = [var.alarm_topic_arns]
}
