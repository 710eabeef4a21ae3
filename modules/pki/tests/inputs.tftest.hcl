# Asserts that every bad input is refused. No cloud is called.

mock_provider "aws" {
  override_during = plan
}

variables {
  organization       = "example"
  account_id         = "111111111111"
  region             = "eu-west-1"
  ceremony_role_name = "example-ceremony"
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

run "refuses_the_ceremony_role_as_an_arn" {
  command = plan
  variables {
    ceremony_role_name = "arn:aws:iam::111111111111:role/example-ceremony"
  }
  expect_failures = [var.ceremony_role_name]
}

run "refuses_every_role_as_the_ceremony" {
  command = plan
  variables {
    ceremony_role_name = "*"
  }
  expect_failures = [var.ceremony_role_name]
}

run "refuses_a_root_generation_that_is_no_generation" {
  command = plan
  variables {
    root_generations = ["2026"]
  }
  expect_failures = [var.root_generations]
}

run "refuses_a_root_generation_twice" {
  command = plan
  variables {
    root_generations = ["g1", "g1"]
  }
  expect_failures = [var.root_generations]
}

run "refuses_an_environment_in_upper_case" {
  command = plan
  variables {
    issuing_cas = { Dev = ["g1"] }
  }
  expect_failures = [var.issuing_cas]
}

run "refuses_an_issuing_generation_that_is_no_generation" {
  command = plan
  variables {
    issuing_cas = { dev = ["g0"] }
  }
  expect_failures = [var.issuing_cas]
}

run "refuses_an_issuing_generation_twice" {
  command = plan
  variables {
    issuing_cas = { dev = ["g1", "g1"] }
  }
  expect_failures = [var.issuing_cas]
}

run "refuses_an_environment_without_a_generation" {
  command = plan
  variables {
    issuing_cas = { dev = [] }
  }
  expect_failures = [var.issuing_cas]
}

run "refuses_a_region_that_is_none" {
  command = plan
  variables {
    region = "Ireland"
  }
  expect_failures = [var.region]
}

run "refuses_a_curve_that_api_gateway_does_not_take" {
  command = plan
  variables {
    root_key_spec = "ECC_SECG_P256K1"
  }
  expect_failures = [var.root_key_spec]
}

run "refuses_an_issuing_key_that_encrypts" {
  command = plan
  variables {
    issuing_key_spec = "SYMMETRIC_DEFAULT"
  }
  expect_failures = [var.issuing_key_spec]
}

run "refuses_an_alarm_to_nobody" {
  command = plan
  variables {
    alarm_emails = ["security"]
  }
  expect_failures = [var.alarm_emails]
}
