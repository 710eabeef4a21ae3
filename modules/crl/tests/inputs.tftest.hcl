# Asserts that every bad input is refused. No cloud is called.

mock_provider "aws" {
  override_during = plan
  source          = "./tests/mocks"
}

run "refuses_that_there_is_no_environment" {
  command = plan
  variables {
    environments = {}
  }
  expect_failures = [var.environments]
}

run "refuses_an_environment_without_an_account" {
  command = plan
  variables {
    environments = { dev = { account_id = "non-prod", region = "eu-west-1" } }
  }
  expect_failures = [var.environments]
}

run "refuses_everyone_as_a_reader" {
  command = plan
  variables {
    reader_arns = ["*"]
  }
  expect_failures = [var.reader_arns]
}

run "refuses_every_organisation_as_a_reader" {
  command = plan
  variables {
    reader_organization_ids = ["*"]
  }
  expect_failures = [var.reader_organization_ids]
}

run "refuses_a_role_arn_as_the_ceremony_roles_name" {
  command = plan
  variables {
    ceremony_role_name = "arn:aws:iam::111111111111:role/example-ceremony"
  }
  expect_failures = [var.ceremony_role_name]
}

run "refuses_an_alarm_that_goes_to_no_topic" {
  command = plan
  variables {
    alarm_topic_arns = ["security@example.com"]
  }
  expect_failures = [var.alarm_topic_arns]
}
