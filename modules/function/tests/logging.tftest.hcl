# The function logs as JSON into a group of its own, kept for a stated time, under a key of one's own where one is given.
# No cloud is called: the provider is mocked.

mock_provider "aws" {
  override_during = plan
  source          = "./tests/mocks"
}

variables {
  name        = "example-dev-whoami"
  description = "Answers who the caller is"
  handler     = "mtls_whoami.handler.handler"
  package = {
    image_uri = "222222222222.dkr.ecr.eu-west-1.amazonaws.com/example-whoami@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  }
}

run "log_is_json_in_a_group_that_is_kept_for_a_year" {
  command = plan

  assert {
    condition     = aws_cloudwatch_log_group.this.name == "/aws/lambda/example-dev-whoami"
    error_message = "The log group must carry the function's name."
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.retention_in_days == 365
    error_message = "The log must be kept for a year by default."
  }

  assert {
    condition     = aws_lambda_function.this.logging_config[0].log_format == "JSON" && aws_lambda_function.this.logging_config[0].log_group == "/aws/lambda/example-dev-whoami"
    error_message = "The function must log as JSON into the group that was made for it."
  }
}

run "retention_and_key_can_be_chosen" {
  command = plan

  variables {
    log_retention_days = 30
    log_kms_key_arn    = "arn:aws:kms:eu-west-1:222222222222:key/11111111-2222-3333-4444-555555555555"
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.retention_in_days == 30
    error_message = "log_retention_days must reach the log group."
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.kms_key_id == "arn:aws:kms:eu-west-1:222222222222:key/11111111-2222-3333-4444-555555555555"
    error_message = "log_kms_key_arn must reach the log group."
  }
}
