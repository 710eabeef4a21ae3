# Every input that is out of bounds is refused, with the variable named.
# No cloud is called: the provider is mocked.

mock_provider "aws" {
  override_during = plan
  source          = "./tests/mocks"
}

variables {
  domain_name        = "api.dev.example.com"
  zone_id            = "Z0123456789ABCDEFGHIJ"
  truststore_uri     = "s3://example-dev-truststore-222222222222/truststore.pem"
  truststore_version = "3HL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY"
}

run "refuses_a_wildcard_domain" {
  command = plan

  variables {
    domain_name = "*.dev.example.com"
  }

  expect_failures = [var.domain_name]
}

run "refuses_a_domain_in_capitals" {
  command = plan

  variables {
    domain_name = "API.dev.example.com"
  }

  expect_failures = [var.domain_name]
}

run "refuses_a_domain_longer_than_a_common_name" {
  command = plan

  variables {
    domain_name = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb.example.com"
  }

  expect_failures = [var.domain_name]
}

run "refuses_a_zone_that_is_a_name" {
  command = plan

  variables {
    zone_id = "dev.example.com"
  }

  expect_failures = [var.zone_id]
}

run "refuses_an_alternative_name_that_is_an_address" {
  command = plan

  variables {
    subject_alternative_names = ["10.0.0.1"]
  }

  expect_failures = [var.subject_alternative_names]
}

run "refuses_a_wildcard_within_an_alternative_name" {
  command = plan

  variables {
    subject_alternative_names = ["api.*.example.com"]
  }

  expect_failures = [var.subject_alternative_names]
}

run "refuses_the_domain_name_again_as_an_alternative" {
  command = plan

  variables {
    subject_alternative_names = ["api.dev.example.com"]
  }

  expect_failures = [var.subject_alternative_names]
}

run "refuses_a_truststore_by_https" {
  command = plan

  variables {
    truststore_uri = "https://example.s3.amazonaws.com/truststore.pem"
  }

  expect_failures = [var.truststore_uri]
}

run "refuses_a_truststore_without_a_key" {
  command = plan

  variables {
    truststore_uri = "s3://example-dev-truststore-222222222222/"
  }

  expect_failures = [var.truststore_uri]
}

run "refuses_an_empty_truststore_version" {
  command = plan

  variables {
    truststore_version = ""
  }

  expect_failures = [var.truststore_version]
}

run "refuses_no_truststore_version" {
  command = plan

  variables {
    truststore_version = null
  }

  expect_failures = [var.truststore_version]
}

run "refuses_the_version_of_a_bucket_without_versioning" {
  command = plan

  variables {
    truststore_version = "null"
  }

  expect_failures = [var.truststore_version]
}

run "refuses_a_truststore_version_with_a_space" {
  command = plan

  variables {
    truststore_version = "3HL4 kqtJ"
  }

  expect_failures = [var.truststore_version]
}

run "refuses_a_server_certificate_of_iam" {
  command = plan

  variables {
    server_certificate_arn = "arn:aws:iam::222222222222:server-certificate/api"
  }

  expect_failures = [var.server_certificate_arn]
}
