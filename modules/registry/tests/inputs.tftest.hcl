# Asserts that every bad input is refused. No cloud is called.

mock_provider "aws" {
  override_during = plan
}

variables {
  name_prefix           = "example-dev"
  account_id            = "222222222222"
  region                = "eu-west-1"
  truststore_bucket_arn = "arn:aws:s3:::example-dev-truststore-222222222222"
  writer_callers        = ["arn:aws:iam::111111111111:role/example-ceremony", "arn:aws:iam::111111111111:role/example-dev-issuer"]
  reader_callers        = ["arn:aws:iam::111111111111:role/example-ceremony", "arn:aws:iam::111111111111:role/example-dev-crl"]
  parameter_path        = "/example/dev"
}

run "refuses_a_prefix_in_upper_case" {
  command = plan
  variables {
    name_prefix = "Example-dev"
  }
  expect_failures = [var.name_prefix]
}

run "refuses_a_prefix_that_is_too_long" {
  command = plan
  variables {
    name_prefix = "a123456789012345678901234567890x"
  }
  expect_failures = [var.name_prefix]
}

run "refuses_an_account_id_of_eleven_digits" {
  command = plan
  variables {
    account_id = "22222222222"
  }
  expect_failures = [var.account_id]
}

run "refuses_a_region_that_is_a_zone" {
  command = plan
  variables {
    region = "eu-west-1a"
  }
  expect_failures = [var.region]
}

run "refuses_every_bucket_as_the_truststore" {
  command = plan
  variables {
    truststore_bucket_arn = "arn:aws:s3:::*"
  }
  expect_failures = [var.truststore_bucket_arn]
}

run "refuses_objects_as_the_truststore" {
  command = plan
  variables {
    truststore_bucket_arn = "arn:aws:s3:::example-dev-truststore-222222222222/truststore.pem"
  }
  expect_failures = [var.truststore_bucket_arn]
}

run "refuses_a_whole_account_that_writes" {
  command = plan
  variables {
    writer_callers = ["arn:aws:iam::111111111111:root"]
  }
  expect_failures = [var.writer_callers]
}

run "refuses_everyone_that_writes" {
  command = plan
  variables {
    writer_callers = ["*"]
  }
  expect_failures = [var.writer_callers]
}

run "refuses_a_wildcard_among_those_that_write" {
  command = plan
  variables {
    writer_callers = ["arn:aws:iam::111111111111:role/example-ceremony", "arn:aws:iam::111111111111:role/example-*"]
  }
  expect_failures = [var.writer_callers]
}

run "refuses_that_nobody_writes" {
  command = plan
  variables {
    writer_callers = []
  }
  expect_failures = [var.writer_callers]
}

run "refuses_a_whole_account_that_reads" {
  command = plan
  variables {
    reader_callers = ["arn:aws:iam::111111111111:root"]
  }
  expect_failures = [var.reader_callers]
}

run "refuses_everyone_that_reads" {
  command = plan
  variables {
    reader_callers = ["*"]
  }
  expect_failures = [var.reader_callers]
}

run "refuses_a_wildcard_among_those_that_read" {
  command = plan
  variables {
    reader_callers = ["arn:aws:iam::111111111111:role/example-ceremony", "arn:aws:iam::111111111111:role/example-*"]
  }
  expect_failures = [var.reader_callers]
}

run "refuses_that_nobody_reads" {
  command = plan
  variables {
    reader_callers = []
  }
  expect_failures = [var.reader_callers]
}

run "refuses_the_parameters_of_every_environment" {
  command = plan
  variables {
    parameter_path = "/example"
  }
  expect_failures = [var.parameter_path]
}

run "refuses_a_trailing_slash_in_the_parameter_path" {
  command = plan
  variables {
    parameter_path = "/example/dev/"
  }
  expect_failures = [var.parameter_path]
}

run "refuses_a_boundary_that_is_no_policy" {
  command = plan
  variables {
    permissions_boundary_arn = "arn:aws:iam::222222222222:role/example-boundary"
  }
  expect_failures = [var.permissions_boundary_arn]
}
