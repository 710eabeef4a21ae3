# Asserts that every bad input is refused. No cloud is called.

mock_provider "aws" {
  override_during = plan
}

run "refuses_an_organization_in_upper_case" {
  command = plan
  variables {
    organization = "Example"
  }
  expect_failures = [var.organization]
}

run "refuses_an_account_id_that_is_no_number" {
  command = plan
  variables {
    account_id = "security"
  }
  expect_failures = [var.account_id]
}

run "refuses_a_region_that_is_none" {
  command = plan
  variables {
    region = "Ireland"
  }
  expect_failures = [var.region]
}

run "refuses_every_role_as_the_ceremony" {
  command = plan
  variables {
    ceremony_role_name = "*"
  }
  expect_failures = [var.ceremony_role_name]
}

run "refuses_another_retention_mode" {
  command = plan
  variables {
    retention = { mode = "NONE" }
  }
  expect_failures = [var.retention]
}

run "refuses_a_retention_of_no_day" {
  command = plan
  variables {
    retention = { days = 0 }
  }
  expect_failures = [var.retention]
}

run "refuses_a_retention_of_half_a_day" {
  command = plan
  variables {
    retention = { days = 1.5 }
  }
  expect_failures = [var.retention]
}

run "refuses_to_keep_events_for_less_than_a_year" {
  command = plan
  variables {
    trail_days = 90
  }
  expect_failures = [var.trail_days]
}
