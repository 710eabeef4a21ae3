# The function knows where to look and may do no more than look; the schedule calls it and nothing else.
# No cloud is called: the provider is mocked.

mock_provider "aws" {
  override_during = plan
  source          = "./tests/mocks"
}

run "is_named_after_the_environment" {
  command = plan

  assert {
    condition     = output.function_name == "example-dev-watch"
    error_message = "The function must be <name_prefix>-watch."
  }
}

run "knows_where_to_look" {
  command = plan

  assert {
    condition = module.function.environment == tomap({
      POWERTOOLS_SERVICE_NAME      = "watch"
      POWERTOOLS_METRICS_NAMESPACE = "mtls-api"
      LOG_LEVEL                    = "INFO"
      ENVIRONMENT                  = "dev"
      REGISTRY_TABLE               = "example-dev-registry"
      API_DOMAIN_NAME              = "api.dev.example.com"
    })
    error_message = "The function's environment must be what its handler reads."
  }
}

run "may_look_and_nothing_else" {
  command = plan

  assert {
    condition = [for statement in jsondecode(module.function.policy).Statement : [statement.Action, statement.Resource]] == [
      [["dynamodb:Scan"], ["arn:aws:dynamodb:eu-west-1:222222222222:table/example-dev-registry"]],
      [["apigateway:GET"], ["arn:aws:apigateway:eu-west-1::/domainnames/api.dev.example.com"]],
      [["s3:GetObjectVersion"], ["arn:aws:s3:::example-dev-truststore-222222222222/truststore.pem"]],
      [["acm:DescribeCertificate"], ["arn:aws:acm:eu-west-1:222222222222:certificate/*"]],
    ]
    error_message = "The function must read its own table, domain, truststore versions and certificates, and no more."
  }
}

run "runs_twice_a_day" {
  command = plan

  assert {
    condition     = aws_scheduler_schedule.this.schedule_expression == "cron(0 4,16 * * ? *)" && aws_scheduler_schedule.this.schedule_expression_timezone == "UTC"
    error_message = "Each day's window of the alarms must hold a run, even where one failed."
  }

  assert {
    condition     = aws_scheduler_schedule.this.target[0].arn == "arn:aws:lambda:eu-west-1:222222222222:function:example-dev-watch"
    error_message = "The schedule must call the function."
  }
}

run "the_scheduler_may_invoke_the_watch_alone" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role_policy.scheduler.policy).Statement == [{
      Sid      = "InvokeTheWatch"
      Effect   = "Allow"
      Action   = "lambda:InvokeFunction"
      Resource = "arn:aws:lambda:eu-west-1:222222222222:function:example-dev-watch"
    }]
    error_message = "The scheduler's role must invoke this one function."
  }

  assert {
    condition = jsondecode(aws_iam_role.scheduler.assume_role_policy).Statement == [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "scheduler.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = "222222222222" } }
    }]
    error_message = "Only the scheduler, for this account, may take the role."
  }
}

run "roles_are_bounded_where_asked" {
  command = plan

  variables {
    permissions_boundary_arn = "arn:aws:iam::222222222222:policy/example-boundary"
  }

  assert {
    condition     = aws_iam_role.scheduler.permissions_boundary == "arn:aws:iam::222222222222:policy/example-boundary"
    error_message = "The boundary must reach the scheduler's role."
  }
}
