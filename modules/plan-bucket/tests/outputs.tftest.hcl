# Asserts the names that other units and the pipeline rely on. No cloud is called.

mock_provider "aws" {
  override_during = plan
}

run "names_follow_from_the_inputs" {
  command = plan

  assert {
    condition     = output.bucket_name == "example-plans-111111111111"
    error_message = "bucket_name is not the input's."
  }

  assert {
    condition     = output.bucket_arn == "arn:aws:s3:::example-plans-111111111111"
    error_message = "bucket_arn does not follow from the name."
  }

  assert {
    condition     = output.key_alias == "alias/example-plans"
    error_message = "key_alias is not <organization>-plans."
  }
}
