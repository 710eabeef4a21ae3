# Asserts the names that other units rely on. No cloud is called.

mock_provider "aws" {
  override_during = plan
}

variables {
  bucket_name = "example-tfstate-111111111111"
}

run "the_bucket_is_named_as_asked" {
  command = plan

  assert {
    condition     = output.bucket_name == "example-tfstate-111111111111"
    error_message = "bucket_name is not the input's."
  }

  assert {
    condition     = output.bucket_arn == "arn:aws:s3:::example-tfstate-111111111111"
    error_message = "bucket_arn does not follow from the name."
  }
}
