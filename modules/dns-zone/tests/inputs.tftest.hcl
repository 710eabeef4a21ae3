# Asserts that every bad input is refused. No cloud is called.

mock_provider "aws" {
  override_during = plan
}

run "refuses_upper_case" {
  command = plan
  variables {
    domain_names = ["Dev.example.com"]
  }
  expect_failures = [var.domain_names]
}

run "refuses_a_trailing_dot" {
  command = plan
  variables {
    domain_names = ["dev.example.com."]
  }
  expect_failures = [var.domain_names]
}

run "refuses_a_single_label" {
  command = plan
  variables {
    domain_names = ["localhost"]
  }
  expect_failures = [var.domain_names]
}

run "refuses_a_label_of_64_characters" {
  command = plan
  variables {
    domain_names = ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example.com"]
  }
  expect_failures = [var.domain_names]
}

run "refuses_to_make_no_zone" {
  command = plan
  variables {
    domain_names = []
  }
  expect_failures = [var.domain_names]
}
