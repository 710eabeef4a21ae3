# Asserts that every bad input is refused. No cloud is called.

mock_provider "aws" {
  override_during = plan
}

run "refuses_upper_case" {
  command = plan
  variables {
    domain_name = "Dev.example.com"
  }
  expect_failures = [var.domain_name]
}

run "refuses_a_trailing_dot" {
  command = plan
  variables {
    domain_name = "dev.example.com."
  }
  expect_failures = [var.domain_name]
}

run "refuses_a_single_label" {
  command = plan
  variables {
    domain_name = "localhost"
  }
  expect_failures = [var.domain_name]
}

run "refuses_a_label_of_64_characters" {
  command = plan
  variables {
    domain_name = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example.com"
  }
  expect_failures = [var.domain_name]
}
