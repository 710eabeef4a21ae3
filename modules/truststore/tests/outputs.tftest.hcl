# Asserts the names that other units rely on. No cloud is called.

mock_provider "aws" {
  override_during = plan
}

variables {
  bucket_name = "example-dev-truststore-222222222222"
}

run "the_bundle_is_found_by_name" {
  command = plan

  assert {
    condition     = output.bucket_name == "example-dev-truststore-222222222222"
    error_message = "bucket_name is not the input's."
  }

  assert {
    condition     = output.bucket_arn == "arn:aws:s3:::example-dev-truststore-222222222222"
    error_message = "bucket_arn does not follow from the name."
  }

  assert {
    condition     = output.object_key == "truststore.pem"
    error_message = "The bundle's key is not truststore.pem."
  }

  assert {
    condition     = output.uri == "s3://example-dev-truststore-222222222222/truststore.pem"
    error_message = "uri is not bucket and key."
  }
}
