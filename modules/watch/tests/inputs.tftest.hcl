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

run "refuses_an_account_that_is_none" {
  command = plan

  variables {
    account_id = "22222222222"
  }

  expect_failures = [var.account_id]
}

run "refuses_a_region_that_is_none" {
  command = plan

  variables {
    region = "ireland"
  }

  expect_failures = [var.region]
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

run "refuses_a_domain_that_is_a_url" {
  command = plan

  variables {
    api_domain_name = "https://api.dev.example.com"
  }

  expect_failures = [var.api_domain_name]
}

run "refuses_a_bucket_that_is_no_arn" {
  command = plan

  variables {
    truststore_bucket_arn = "example-dev-truststore"
  }

  expect_failures = [var.truststore_bucket_arn]
}

run "refuses_every_object_of_the_bucket" {
  command = plan

  variables {
    truststore_object_key = "*"
  }

  expect_failures = [var.truststore_object_key]
}

run "refuses_a_schedule_that_says_no_time" {
  command = plan

  variables {
    schedule_expression = "daily"
  }

  expect_failures = [var.schedule_expression]
}

run "refuses_a_period_longer_than_a_day" {
  command = plan

  variables {
    alarm_period_seconds = 172800
  }

  expect_failures = [var.alarm_period_seconds]
}

run "refuses_a_kind_that_is_missing" {
  command = plan

  variables {
    alarm_days = { leaf = [60] }
  }

  expect_failures = [var.alarm_days]
}

run "refuses_a_threshold_that_is_not_counted" {
  command = plan

  variables {
    alarm_days = { leaf = [45], issuing-ca = [], root-ca = [], truststore = [], server = [] }
  }

  expect_failures = [var.alarm_days]
}

run "refuses_an_address_that_is_none" {
  command = plan

  variables {
    alarm_emails = ["on-call"]
  }

  expect_failures = [var.alarm_emails]
}

run "refuses_a_namespace_of_aws" {
  command = plan

  variables {
    metrics_namespace = "AWS/Lambda"
  }

  expect_failures = [var.metrics_namespace]
}

run "refuses_an_unknown_log_level" {
  command = plan

  variables {
    log_level = "TRACE"
  }

  expect_failures = [var.log_level]
}
