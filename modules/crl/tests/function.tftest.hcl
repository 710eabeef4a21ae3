# Asserts that each environment has a function that signs with its issuing keys alone, runs each hour, and is missed when
# it does not. No cloud is called.

mock_provider "aws" {
  override_during = plan
  source          = "./tests/mocks"
}

run "the_function_knows_its_environment" {
  command = plan

  assert {
    condition = module.function["dev"].environment == tomap({
      POWERTOOLS_SERVICE_NAME      = "crl"
      POWERTOOLS_METRICS_NAMESPACE = "mtls-api"
      LOG_LEVEL                    = "INFO"
      ENVIRONMENT                  = "dev"
      ORGANIZATION                 = "example"
      SECURITY_ACCOUNT_ID          = "111111111111"
      WORKLOAD_ACCOUNT_ID          = "222222222222"
      WORKLOAD_REGION              = "eu-west-1"
    })
    error_message = "The function's environment must be what its handler reads."
  }
}

run "the_function_reads_and_publishes_for_its_environment_alone" {
  command = plan

  assert {
    condition = { for statement in jsondecode(module.function["dev"].policy).Statement : statement.Sid => "${join(" ", statement.Action)} on ${join(" ", statement.Resource)}" } == {
      ReadCaCertificates = "s3:GetObject on arn:aws:s3:::example-ca-111111111111/issuing/dev/*"
      PublishLists       = "s3:GetObject s3:PutObject on arn:aws:s3:::example-crl-111111111111/dev/*"
      List               = "s3:ListBucket on arn:aws:s3:::example-ca-111111111111 arn:aws:s3:::example-crl-111111111111"
      ReadRegistry       = "sts:AssumeRole on arn:aws:iam::222222222222:role/example-dev-pki-reader"
    }
    error_message = "The function may do more or less than publish its environment's lists."
  }
}

run "the_function_signs_with_its_environments_issuing_keys_alone" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role_policy.sign["dev"].policy).Statement == [{
      Sid       = "SignWithIssuingKeys"
      Effect    = "Allow"
      Action    = ["kms:GetPublicKey", "kms:Sign"]
      Resource  = "arn:aws:kms:eu-west-1:111111111111:key/*"
      Condition = { "ForAnyValue:StringLike" = { "kms:ResourceAliases" = "alias/example-dev-issuing-ca-*" } }
    }]
    error_message = "The function may sign with other keys."
  }
}

run "lists_are_published_each_hour" {
  command = plan

  assert {
    condition     = aws_scheduler_schedule.this["dev"].schedule_expression == "rate(1 hour)" && aws_scheduler_schedule.this["dev"].target[0].arn == "arn:aws:lambda:eu-west-1:111111111111:function:example-dev-crl"
    error_message = "The function does not run each hour."
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.scheduler.policy).Statement[0].Resource == ["arn:aws:lambda:eu-west-1:111111111111:function:example-dev-crl"]
    error_message = "The scheduler may invoke something else."
  }
}

run "a_publication_that_is_missing_is_an_alarm" {
  command = plan

  variables {
    alarm_topic_arns = ["arn:aws:sns:eu-west-1:111111111111:example-alarms"]
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["dev"].treat_missing_data == "breaching" && aws_cloudwatch_metric_alarm.this["dev"].evaluation_periods * aws_cloudwatch_metric_alarm.this["dev"].period == 10800
    error_message = "Three missing runs are no alarm."
  }

  assert {
    condition     = one(aws_cloudwatch_metric_alarm.this["dev"].alarm_actions) == "arn:aws:sns:eu-west-1:111111111111:example-alarms"
    error_message = "Nobody is told."
  }
}

run "every_environment_has_its_own_function" {
  command = plan

  variables {
    environments = {
      dev  = { account_id = "222222222222", region = "eu-west-1" }
      prod = { account_id = "333333333333", region = "eu-west-1" }
    }
  }

  assert {
    condition     = output.role_arns == { dev = "arn:aws:iam::111111111111:role/example-dev-crl", prod = "arn:aws:iam::111111111111:role/example-prod-crl" }
    error_message = "The functions are not <organization>-<environment>-crl."
  }
}
