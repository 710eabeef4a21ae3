# Asserts that every bad input is refused. No cloud is called.

mock_provider "aws" {
  override_during = plan
}

variables {
  bucket_name = "example-dev-truststore-222222222222"
}

run "refuses_upper_case_in_the_name" {
  command = plan
  variables {
    bucket_name = "Example-truststore"
  }
  expect_failures = [var.bucket_name]
}

run "refuses_a_dot_in_the_name" {
  command = plan
  variables {
    bucket_name = "example.truststore"
  }
  expect_failures = [var.bucket_name]
}

run "refuses_a_name_that_is_too_long" {
  command = plan
  variables {
    bucket_name = "example-dev-truststore-222222222222-222222222222-2222222222222222"
  }
  expect_failures = [var.bucket_name]
}
