# The role is assumed by Lambda alone, writes its own log alone, and beyond that may do exactly the statements given.
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

run "role_is_assumed_by_lambda_alone" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role.this.assume_role_policy).Statement == [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
    error_message = "Only Lambda may assume the role."
  }
}

run "role_writes_its_own_log_and_nothing_else_by_default" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role_policy.log.policy).Statement == [{
      Sid      = "WriteOwnLog"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = ["arn:aws:logs:eu-west-1:222222222222:log-group:/aws/lambda/mock:*"]
    }]
    error_message = "The role must write its own log group, and must not create groups."
  }

  assert {
    condition     = length(aws_iam_role_policy.this) == 0
    error_message = "Without statements there must be no second policy."
  }
}

run "role_may_do_exactly_the_statements_given" {
  command = plan

  variables {
    policy_statements = [{
      sid       = "ReadRegistry"
      actions   = ["dynamodb:GetItem"]
      resources = ["arn:aws:dynamodb:eu-west-1:222222222222:table/example-dev-registry"]
    }]
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.this[0].policy).Statement == [{
      Sid      = "ReadRegistry"
      Effect   = "Allow"
      Action   = ["dynamodb:GetItem"]
      Resource = ["arn:aws:dynamodb:eu-west-1:222222222222:table/example-dev-registry"]
    }]
    error_message = "The policy must hold the given statement and no other."
  }
}

run "tracing_adds_the_two_write_actions_of_x_ray" {
  command = plan

  variables {
    tracing = true
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.this[0].policy).Statement[*].Action == [["xray:PutTraceSegments", "xray:PutTelemetryRecords"]]
    error_message = "Tracing must add X-Ray's write actions alone."
  }
}

run "role_is_bounded_where_a_boundary_is_given" {
  command = plan

  variables {
    permissions_boundary_arn = "arn:aws:iam::222222222222:policy/example-boundary"
  }

  assert {
    condition     = aws_iam_role.this.permissions_boundary == "arn:aws:iam::222222222222:policy/example-boundary"
    error_message = "The boundary must reach the role."
  }
}
