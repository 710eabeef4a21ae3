# Asserts that every bad input is refused. No cloud is called.

mock_provider "aws" {
  override_during = plan
}

run "refuses_upper_case_in_the_name" {
  command = plan
  variables {
    bucket_name = "Example-plans"
  }
  expect_failures = [var.bucket_name]
}

run "refuses_a_dot_in_the_name" {
  command = plan
  variables {
    bucket_name = "example.plans"
  }
  expect_failures = [var.bucket_name]
}

run "refuses_an_organization_in_upper_case" {
  command = plan
  variables {
    organization = "Example"
  }
  expect_failures = [var.organization]
}

run "refuses_an_account_id_of_eleven_digits" {
  command = plan
  variables {
    account_id = "11111111111"
  }
  expect_failures = [var.account_id]
}

run "refuses_a_zone_for_a_region" {
  command = plan
  variables {
    region = "eu-west-1a"
  }
  expect_failures = [var.region]
}

run "refuses_to_keep_plans_for_a_season" {
  command = plan
  variables {
    plan_days = 91
  }
  expect_failures = [var.plan_days]
}

run "refuses_plans_that_expire_at_once" {
  command = plan
  variables {
    plan_days = 0
  }
  expect_failures = [var.plan_days]
}

run "refuses_a_fraction_of_a_day" {
  command = plan
  variables {
    plan_days = 1.5
  }
  expect_failures = [var.plan_days]
}

run "refuses_a_journal_that_may_be_shorter_than_a_plan_lives" {
  command = plan
  variables {
    journal_days = 89
  }
  expect_failures = [var.journal_days]
}
