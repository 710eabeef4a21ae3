# Every input that is out of bounds is refused, with the variable named.
# No cloud is called: the provider is mocked.

mock_provider "aws" {
  override_during = plan
  source          = "./tests/mocks"
}

run "refuses_an_organization_in_upper_case" {
  command = plan

  variables {
    organization = "Example"
    name_prefix  = "Example-dev"
  }

  expect_failures = [var.organization]
}

run "refuses_an_environment_with_a_dot" {
  command = plan

  variables {
    environment = "dev.eu"
    name_prefix = "example-dev.eu"
  }

  expect_failures = [var.environment]
}

run "refuses_a_prefix_of_another_environment" {
  command = plan

  variables {
    name_prefix = "example-prod"
  }

  expect_failures = [var.name_prefix]
}

run "refuses_a_domain_without_a_dot" {
  command = plan

  variables {
    domain = "example"
  }

  expect_failures = [var.domain]
}

run "refuses_an_account_of_11_digits" {
  command = plan

  variables {
    account_id = "11111111111"
  }

  expect_failures = [var.account_id]
}

run "refuses_a_region_that_is_none" {
  command = plan

  variables {
    region = "europe"
  }

  expect_failures = [var.region]
}

run "refuses_the_cas_own_account_as_the_workloads" {
  command = plan

  variables {
    workload = {
      account_name = "security"
      account_id   = "111111111111"
      region       = "eu-west-1"
    }
  }

  expect_failures = [var.workload]
}

run "refuses_a_log_level_that_is_none" {
  command = plan

  variables {
    log_level = "TRACE"
  }

  expect_failures = [var.log_level]
}

run "refuses_a_policy_for_nobody" {
  command = plan

  variables {
    renewal_policy = {
      clients = []
    }
  }

  expect_failures = [var.renewal_policy]
}

run "refuses_a_glob_with_a_space" {
  command = plan

  variables {
    renewal_policy = {
      clients = ["device 1"]
    }
  }

  expect_failures = [var.renewal_policy]
}

run "refuses_a_lifetime_over_a_year" {
  command = plan

  variables {
    renewal_policy = {
      clients       = ["*"]
      lifetime_days = 366
    }
  }

  expect_failures = [var.renewal_policy]
}

run "refuses_a_window_as_long_as_the_lifetime" {
  command = plan

  variables {
    renewal_policy = {
      clients       = ["*"]
      lifetime_days = 30
      window_days   = 30
    }
  }

  expect_failures = [var.renewal_policy]
}

run "refuses_a_negative_overlap" {
  command = plan

  variables {
    renewal_policy = {
      clients      = ["*"]
      overlap_days = -1
    }
  }

  expect_failures = [var.renewal_policy]
}

run "refuses_a_key_type_that_is_none" {
  command = plan

  variables {
    renewal_policy = {
      clients   = ["*"]
      key_types = ["ec-p521"]
    }
  }

  expect_failures = [var.renewal_policy]
}
