# The code is what was named: an image by digest with the handler as its command, or a zip for Python 3.13 whose hash is tracked.
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

run "image_runs_the_handler_by_digest" {
  command = plan

  assert {
    condition     = aws_lambda_function.this.package_type == "Image" && aws_lambda_function.this.image_uri == var.package.image_uri
    error_message = "The function must run the image that was given by digest."
  }

  assert {
    condition     = aws_lambda_function.this.image_config[0].command == tolist(["mtls_whoami.handler.handler"])
    error_message = "The image's command must be the handler."
  }

  assert {
    condition     = aws_lambda_function.this.runtime == null && aws_lambda_function.this.handler == null && aws_lambda_function.this.filename == null
    error_message = "An image brings its own runtime."
  }
}

run "zip_runs_on_python_3_13" {
  command = plan

  variables {
    package = {
      zip_path = "./tests/fixtures/function.zip"
    }
  }

  assert {
    condition     = aws_lambda_function.this.package_type == "Zip" && aws_lambda_function.this.filename == "./tests/fixtures/function.zip"
    error_message = "The function must run the zip."
  }

  assert {
    condition     = aws_lambda_function.this.runtime == "python3.13" && aws_lambda_function.this.handler == "mtls_whoami.handler.handler"
    error_message = "A zip needs its runtime and handler."
  }

  assert {
    condition     = aws_lambda_function.this.source_code_hash == filebase64sha256("./tests/fixtures/function.zip")
    error_message = "A changed zip must show in the plan."
  }

  assert {
    condition     = length(aws_lambda_function.this.image_config) == 0
    error_message = "A zip has no image configuration."
  }
}

run "defaults_are_arm64_unpublished_and_untraced" {
  command = plan

  assert {
    condition     = aws_lambda_function.this.architectures == tolist(["arm64"])
    error_message = "The default architecture is arm64."
  }

  assert {
    condition     = aws_lambda_function.this.publish == false
    error_message = "No version is published by an apply."
  }

  assert {
    condition     = aws_lambda_function.this.tracing_config[0].mode == "PassThrough"
    error_message = "Tracing is off by default."
  }

  assert {
    condition     = aws_lambda_function.this.reserved_concurrent_executions == -1
    error_message = "No concurrency is reserved by default."
  }
}

run "settings_reach_the_function" {
  command = plan

  variables {
    package = {
      image_uri    = "222222222222.dkr.ecr.eu-west-1.amazonaws.com/example-whoami@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
      architecture = "x86_64"
    }
    environment          = { LOG_LEVEL = "DEBUG" }
    memory_mb            = 1024
    timeout_seconds      = 29
    reserved_concurrency = 5
    tracing              = true
  }

  assert {
    condition     = aws_lambda_function.this.architectures == tolist(["x86_64"])
    error_message = "architecture must reach the function."
  }

  assert {
    condition     = aws_lambda_function.this.environment[0].variables == tomap({ LOG_LEVEL = "DEBUG" })
    error_message = "environment must reach the function."
  }

  assert {
    condition     = aws_lambda_function.this.memory_size == 1024 && aws_lambda_function.this.timeout == 29
    error_message = "memory_mb and timeout_seconds must reach the function."
  }

  assert {
    condition     = aws_lambda_function.this.reserved_concurrent_executions == 5
    error_message = "reserved_concurrency must reach the function."
  }

  assert {
    condition     = aws_lambda_function.this.tracing_config[0].mode == "Active"
    error_message = "tracing must switch X-Ray on."
  }
}
