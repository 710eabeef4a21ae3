# The way in: one role of one account may ask, and may ask for nothing but this function.
# No cloud is called: the provider is mocked.

mock_provider "aws" {
  override_during = plan
  source          = "./tests/mocks"
}

run "is_trusted_by_est_alone" {
  command = plan

  assert {
    condition     = aws_iam_role.invoker.name == "example-dev-issuer-invoker"
    error_message = "The invoker role must be <name_prefix>-issuer-invoker: the unit est names it."
  }

  assert {
    condition = jsondecode(aws_iam_role.invoker.assume_role_policy).Statement == [{
      Sid       = "EstOnly"
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::222222222222:root" }
      Action    = "sts:AssumeRole"
      Condition = { ArnEquals = { "aws:PrincipalArn" = "arn:aws:iam::222222222222:role/example-dev-est" } }
    }]
    error_message = "Only the role of the workload account's function est may take the invoker role."
  }
}

run "may_invoke_the_issuer_and_nothing_else" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role_policy.invoker.policy).Statement == [{
      Sid      = "InvokeIssuer"
      Effect   = "Allow"
      Action   = "lambda:InvokeFunction"
      Resource = "arn:aws:lambda:eu-west-1:111111111111:function:example-dev-issuer"
    }]
    error_message = "The invoker role may invoke the issuer: nothing else."
  }
}
