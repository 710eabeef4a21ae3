# Every input that is out of bounds is refused, with the variable named.
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

run "refuses_a_prefix_with_capitals" {
  command = plan

  variables {
    name_prefix = "Example-dev"
  }

  expect_failures = [var.name_prefix]
}

run "refuses_a_prefix_that_is_too_long" {
  command = plan

  variables {
    name_prefix = "abbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
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

run "refuses_an_issuer_without_tls" {
  command = plan

  variables {
    issuer = "http://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Abcdef123"
  }

  expect_failures = [var.issuer]
}

run "refuses_an_issuer_with_a_slash_at_its_end" {
  command = plan

  variables {
    issuer = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Abcdef123/"
  }

  expect_failures = [var.issuer]
}

run "refuses_a_key_set_without_tls" {
  command = plan

  variables {
    jwks_uri = "http://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Abcdef123/.well-known/jwks.json"
  }

  expect_failures = [var.jwks_uri]
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

run "refuses_an_arn_that_is_no_table" {
  command = plan

  variables {
    registry_table_arn = "arn:aws:s3:::example-dev-registry"
  }

  expect_failures = [var.registry_table_arn]
}

run "refuses_no_routes" {
  command = plan

  variables {
    route_scopes = {}
  }

  expect_failures = [var.route_scopes]
}

run "refuses_a_route_without_a_method" {
  command = plan

  variables {
    route_scopes = {
      "/whoami" = "api/read"
    }
  }

  expect_failures = [var.route_scopes]
}

run "refuses_a_scope_with_a_space" {
  command = plan

  variables {
    route_scopes = {
      "GET /whoami" = "api/read api/write"
    }
  }

  expect_failures = [var.route_scopes]
}

run "refuses_a_route_without_a_scope" {
  command = plan

  variables {
    route_scopes = {
      "GET /whoami" = ""
    }
  }

  expect_failures = [var.route_scopes]
}

run "refuses_no_clients" {
  command = plan

  variables {
    client_ids = []
  }

  expect_failures = [var.client_ids]
}

run "refuses_a_client_id_that_cognito_could_not_have_made" {
  command = plan

  variables {
    client_ids = ["device 1"]
  }

  expect_failures = [var.client_ids]
}

run "refuses_a_cache_longer_than_the_revocation_target" {
  command = plan

  variables {
    decision_cache_seconds = 3
  }

  expect_failures = [var.decision_cache_seconds]
}

run "refuses_an_unknown_log_level" {
  command = plan

  variables {
    log_level = "TRACE"
  }

  expect_failures = [var.log_level]
}
