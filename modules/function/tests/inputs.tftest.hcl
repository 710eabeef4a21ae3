# Every input that is out of bounds is refused, with the variable named.
# No cloud is called: the provider is mocked.

mock_provider "aws" {
  override_during = plan
  source          = "./tests/mocks"
}

variables {
  name        = "example-dev-whoami"
  description = "Answers who the caller is"
  handler     = "mtls_whoami.handler.handler"
  package = {
    image_uri = "222222222222.dkr.ecr.eu-west-1.amazonaws.com/example-whoami@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  }
}

run "refuses_a_name_with_a_space" {
  command = plan

  variables {
    name = "who am i"
  }

  expect_failures = [var.name]
}

run "refuses_a_name_of_65_characters" {
  command = plan

  variables {
    name = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  }

  expect_failures = [var.name]
}

run "refuses_an_empty_description" {
  command = plan

  variables {
    description = ""
  }

  expect_failures = [var.description]
}

run "refuses_a_package_without_code" {
  command = plan

  variables {
    package = {}
  }

  expect_failures = [var.package]
}

run "refuses_a_package_with_image_and_zip" {
  command = plan

  variables {
    package = {
      image_uri = "222222222222.dkr.ecr.eu-west-1.amazonaws.com/example-whoami@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
      zip_path  = "./tests/fixtures/function.zip"
    }
  }

  expect_failures = [var.package]
}

run "refuses_an_image_named_by_tag" {
  command = plan

  variables {
    package = {
      image_uri = "222222222222.dkr.ecr.eu-west-1.amazonaws.com/example-whoami:1.0.0"
    }
  }

  expect_failures = [var.package]
}

run "refuses_an_image_with_a_short_digest" {
  command = plan

  variables {
    package = {
      image_uri = "222222222222.dkr.ecr.eu-west-1.amazonaws.com/example-whoami@sha256:0123"
    }
  }

  expect_failures = [var.package]
}

run "refuses_a_zip_that_is_not_there" {
  command = plan

  variables {
    package = {
      zip_path = "./tests/fixtures/missing.zip"
    }
  }

  expect_failures = [var.package]
}

run "refuses_an_unknown_architecture" {
  command = plan

  variables {
    package = {
      image_uri    = "222222222222.dkr.ecr.eu-west-1.amazonaws.com/example-whoami@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
      architecture = "riscv64"
    }
  }

  expect_failures = [var.package]
}

run "refuses_a_handler_without_a_module" {
  command = plan

  variables {
    handler = "handler"
  }

  expect_failures = [var.handler]
}

run "refuses_a_handler_that_is_a_path" {
  command = plan

  variables {
    handler = "src/handler.handler"
  }

  expect_failures = [var.handler]
}

run "refuses_an_environment_name_with_a_hyphen" {
  command = plan

  variables {
    environment = {
      "LOG-LEVEL" = "INFO"
    }
  }

  expect_failures = [var.environment]
}

run "refuses_an_environment_name_that_lambda_reserves" {
  command = plan

  variables {
    environment = {
      AWS_REGION = "eu-west-1"
    }
  }

  expect_failures = [var.environment]
}

run "refuses_too_little_memory" {
  command = plan

  variables {
    memory_mb = 64
  }

  expect_failures = [var.memory_mb]
}

run "refuses_too_much_memory" {
  command = plan

  variables {
    memory_mb = 10241
  }

  expect_failures = [var.memory_mb]
}

run "refuses_a_timeout_of_nothing" {
  command = plan

  variables {
    timeout_seconds = 0
  }

  expect_failures = [var.timeout_seconds]
}

run "refuses_a_timeout_longer_than_lambdas" {
  command = plan

  variables {
    timeout_seconds = 901
  }

  expect_failures = [var.timeout_seconds]
}

run "refuses_a_statement_id_with_a_hyphen" {
  command = plan

  variables {
    policy_statements = [{
      sid       = "read-it"
      actions   = ["dynamodb:GetItem"]
      resources = ["arn:aws:dynamodb:eu-west-1:222222222222:table/t"]
    }]
  }

  expect_failures = [var.policy_statements]
}

run "refuses_a_statement_id_given_twice" {
  command = plan

  variables {
    policy_statements = [{
      sid       = "Read"
      actions   = ["dynamodb:GetItem"]
      resources = ["arn:aws:dynamodb:eu-west-1:222222222222:table/t"]
      }, {
      sid       = "Read"
      actions   = ["dynamodb:GetItem"]
      resources = ["arn:aws:dynamodb:eu-west-1:222222222222:table/t"]
    }]
  }

  expect_failures = [var.policy_statements]
}

run "refuses_a_statement_without_actions" {
  command = plan

  variables {
    policy_statements = [{
      sid       = "Read"
      actions   = []
      resources = ["arn:aws:dynamodb:eu-west-1:222222222222:table/t"]
    }]
  }

  expect_failures = [var.policy_statements]
}

run "refuses_a_wildcard_action" {
  command = plan

  variables {
    policy_statements = [{
      sid       = "Read"
      actions   = ["dynamodb:*"]
      resources = ["arn:aws:dynamodb:eu-west-1:222222222222:table/t"]
    }]
  }

  expect_failures = [var.policy_statements]
}

run "refuses_a_partial_wildcard_action" {
  command = plan

  variables {
    policy_statements = [{
      sid       = "Read"
      actions   = ["dynamodb:Get*"]
      resources = ["arn:aws:dynamodb:eu-west-1:222222222222:table/t"]
    }]
  }

  expect_failures = [var.policy_statements]
}

run "refuses_a_statement_without_resources" {
  command = plan

  variables {
    policy_statements = [{
      sid       = "Read"
      actions   = ["dynamodb:GetItem"]
      resources = []
    }]
  }

  expect_failures = [var.policy_statements]
}

run "refuses_a_wildcard_resource" {
  command = plan

  variables {
    policy_statements = [{
      sid       = "Read"
      actions   = ["dynamodb:GetItem"]
      resources = ["*"]
    }]
  }

  expect_failures = [var.policy_statements]
}

run "refuses_a_resource_in_any_account" {
  command = plan

  variables {
    policy_statements = [{
      sid       = "Read"
      actions   = ["dynamodb:GetItem"]
      resources = ["arn:aws:dynamodb:eu-west-1:*:table/t"]
    }]
  }

  expect_failures = [var.policy_statements]
}

run "refuses_every_resource_of_an_account" {
  command = plan

  variables {
    policy_statements = [{
      sid       = "Read"
      actions   = ["dynamodb:GetItem"]
      resources = ["arn:aws:dynamodb:eu-west-1:222222222222:*"]
    }]
  }

  expect_failures = [var.policy_statements]
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

run "refuses_a_concurrency_that_switches_the_function_off" {
  command = plan

  variables {
    reserved_concurrency = 0
  }

  expect_failures = [var.reserved_concurrency]
}

run "refuses_a_boundary_that_is_no_policy" {
  command = plan

  variables {
    permissions_boundary_arn = "arn:aws:iam::222222222222:role/example"
  }

  expect_failures = [var.permissions_boundary_arn]
}
