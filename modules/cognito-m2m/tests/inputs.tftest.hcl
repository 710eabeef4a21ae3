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

run "refuses_an_empty_environment" {
  command = plan

  variables {
    environment = ""
  }

  expect_failures = [var.environment]
}

run "refuses_a_parameter_prefix_without_a_slash" {
  command = plan

  variables {
    parameter_prefix = "example/dev"
  }

  expect_failures = [var.parameter_prefix]
}

run "refuses_a_parameter_prefix_with_a_slash_at_its_end" {
  command = plan

  variables {
    parameter_prefix = "/example/dev/"
  }

  expect_failures = [var.parameter_prefix]
}

run "refuses_a_parameter_prefix_that_aws_reserves" {
  command = plan

  variables {
    parameter_prefix = "/aws/dev"
  }

  expect_failures = [var.parameter_prefix]
}

run "refuses_an_account_of_11_digits" {
  command = plan

  variables {
    account_id = "22222222222"
  }

  expect_failures = [var.account_id]
}

run "refuses_a_region_that_is_a_zone" {
  command = plan

  variables {
    region = "eu-west-1a"
  }

  expect_failures = [var.region]
}

run "refuses_a_resource_server_with_a_slash" {
  command = plan

  variables {
    resource_server = {
      identifier = "api/v1"
      scopes     = { read = "Read" }
    }
    app_clients = {
      default = { scopes = ["api/v1/read"] }
    }
  }

  expect_failures = [var.resource_server]
}

run "refuses_a_resource_server_without_a_name" {
  command = plan

  variables {
    resource_server = {
      identifier = ""
      scopes     = { read = "Read" }
    }
    app_clients = {
      default = { scopes = ["/read"] }
    }
  }

  expect_failures = [var.resource_server]
}

run "refuses_a_scope_with_a_space" {
  command = plan

  variables {
    resource_server = {
      identifier = "api"
      scopes     = { read = "Read", "read it" = "Read it" }
    }
    app_clients = {
      default = { scopes = ["api/read"] }
    }
  }

  expect_failures = [var.resource_server]
}

run "refuses_a_scope_without_a_description" {
  command = plan

  variables {
    resource_server = {
      identifier = "api"
      scopes     = { read = "" }
    }
    app_clients = {
      default = { scopes = ["api/read"] }
    }
  }

  expect_failures = [var.resource_server]
}

run "refuses_an_app_client_name_with_an_underscore" {
  command = plan

  variables {
    app_clients = {
      partner_a = { scopes = ["api/read"] }
    }
  }

  expect_failures = [var.app_clients]
}

run "refuses_no_app_clients" {
  command = plan

  variables {
    app_clients = {}
  }

  expect_failures = [var.app_clients]
}

run "refuses_app_clients_that_differ_by_hyphens_alone" {
  command = plan

  variables {
    app_clients = {
      partner-a = { scopes = ["api/read"] }
      partnera  = { scopes = ["api/read"] }
    }
  }

  expect_failures = [var.app_clients]
}

run "refuses_an_app_client_without_scopes" {
  command = plan

  variables {
    app_clients = {
      default = { scopes = [] }
    }
  }

  expect_failures = [var.app_clients]
}

run "refuses_a_scope_that_the_resource_server_does_not_have" {
  command = plan

  variables {
    app_clients = {
      default = { scopes = ["api/delete"] }
    }
  }

  expect_failures = [var.app_clients]
}

run "refuses_a_scope_without_its_resource_server" {
  command = plan

  variables {
    app_clients = {
      default = { scopes = ["read"] }
    }
  }

  expect_failures = [var.app_clients]
}

run "refuses_a_scope_given_twice" {
  command = plan

  variables {
    app_clients = {
      default = { scopes = ["api/read", "api/read"] }
    }
  }

  expect_failures = [var.app_clients]
}

run "refuses_a_domain_prefix_with_a_dot" {
  command = plan

  variables {
    domain_prefix = "example.dev"
  }

  expect_failures = [var.domain_prefix]
}

run "refuses_a_domain_prefix_that_cognito_would" {
  command = plan

  variables {
    domain_prefix = "example-cognito"
  }

  expect_failures = [var.domain_prefix]
}

run "refuses_a_table_name_that_dynamodb_would" {
  command = plan

  variables {
    registry_table_name = "a b"
    registry_table_arn  = "arn:aws:dynamodb:eu-west-1:222222222222:table/a b"
  }

  expect_failures = [var.registry_table_name]
}

run "refuses_the_arn_of_another_table" {
  command = plan

  variables {
    registry_table_arn = "arn:aws:dynamodb:eu-west-1:222222222222:table/example-stage-registry"
  }

  expect_failures = [var.registry_table_arn]
}

run "refuses_an_api_domain_that_is_a_url" {
  command = plan

  variables {
    api_domain_name = "https://api.dev.example.com"
  }

  expect_failures = [var.api_domain_name]
}

run "refuses_tokens_shorter_than_cognito_can_make" {
  command = plan

  variables {
    access_token_validity_minutes = 4
  }

  expect_failures = [var.access_token_validity_minutes]
}

run "refuses_tokens_longer_than_an_hour" {
  command = plan

  variables {
    access_token_validity_minutes = 61
  }

  expect_failures = [var.access_token_validity_minutes]
}

run "refuses_an_unknown_log_level" {
  command = plan

  variables {
    log_level = "TRACE"
  }

  expect_failures = [var.log_level]
}

run "refuses_no_scopes" {
  command = plan

  variables {
    resource_server = {
      identifier = "api"
      scopes     = {}
    }
  }

  expect_failures = [var.resource_server]
}

run "refuses_more_app_clients_than_a_template_holds" {
  command = plan

  variables {
    app_clients = { for number in range(51) : "client${number}" => { scopes = ["api/read"] } }
  }

  expect_failures = [var.app_clients]
}
