# Asserts that every bad input is refused. No cloud is called.

mock_provider "aws" {
  override_during = plan
}

variables {
  bucket_name = "example-tfstate-111111111111"
}

run "refuses_upper_case_in_the_name" {
  command = plan
  variables {
    bucket_name = "Example-tfstate"
  }
  expect_failures = [var.bucket_name]
}

run "refuses_a_dot_in_the_name" {
  command = plan
  variables {
    bucket_name = "example.tfstate"
  }
  expect_failures = [var.bucket_name]
}

run "refuses_a_name_that_is_too_long" {
  command = plan
  variables {
    bucket_name = "example-tfstate-111111111111-111111111111-111111111111-1111111111"
  }
  expect_failures = [var.bucket_name]
}

run "refuses_to_forget_versions_within_a_month" {
  command = plan
  variables {
    noncurrent_version_days = 29
  }
  expect_failures = [var.noncurrent_version_days]
}

run "refuses_a_fraction_of_a_day" {
  command = plan
  variables {
    noncurrent_version_days = 30.5
  }
  expect_failures = [var.noncurrent_version_days]
}
