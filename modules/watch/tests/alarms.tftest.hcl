# An alarm for each kind and threshold, which silence raises too, on an encrypted topic.
# No cloud is called: the provider is mocked.

mock_provider "aws" {
  override_during = plan
  source          = "./tests/mocks"
}

run "one_alarm_for_each_kind_and_threshold" {
  command = plan

  assert {
    condition = toset(output.alarm_names) == toset([
      for pair in setproduct(["leaf", "issuing-ca", "root-ca", "truststore", "server"], [60, 30, 14, 7, 1]) :
      "example-dev-watch-${pair[0]}-${pair[1]}d"
    ])
    error_message = "Five kinds and five thresholds make twenty-five alarms."
  }
}

run "an_alarm_watches_what_the_function_publishes" {
  command = plan

  assert {
    condition = alltrue([
      for key, alarm in aws_cloudwatch_metric_alarm.this :
      alarm.namespace == "mtls-api"
      && alarm.metric_name == "EndingWithin${reverse(split("-", key))[0]}Days"
      && alarm.dimensions == tomap({ Environment = "dev", Kind = join("-", slice(split("-", key), 0, length(split("-", key)) - 1)) })
    ])
    error_message = "Namespace, metric and dimensions must be those of the function."
  }
}

run "one_is_too_many_and_silence_alarms" {
  command = plan

  assert {
    condition = alltrue([
      for alarm in values(aws_cloudwatch_metric_alarm.this) :
      alarm.threshold == 0 && alarm.comparison_operator == "GreaterThanThreshold" && alarm.treat_missing_data == "breaching" && alarm.statistic == "Maximum"
    ])
    error_message = "More than none breaches, and so does a watch that says nothing."
  }
}

run "alarms_tell_the_topic_of_begin_and_end" {
  command = plan

  assert {
    condition = alltrue([
      for alarm in values(aws_cloudwatch_metric_alarm.this) :
      alarm.alarm_actions == toset([aws_sns_topic.this.arn]) && alarm.ok_actions == toset([aws_sns_topic.this.arn])
    ])
    error_message = "Every alarm must be published, and its end."
  }
}

run "the_topic_is_encrypted_with_a_key_that_cloudwatch_may_use" {
  command = plan

  assert {
    condition     = aws_sns_topic.this.kms_master_key_id == aws_kms_key.this.arn && aws_kms_key.this.enable_key_rotation
    error_message = "The topic must be encrypted with the module's key, which rotates."
  }

  assert {
    condition = jsondecode(aws_kms_key.this.policy).Statement[1] == {
      Sid       = "AlarmsOfThisAccount"
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
      Resource  = "*"
      Condition = { StringEquals = { "aws:SourceAccount" = "222222222222" } }
    }
    error_message = "CloudWatch must be able to use the key for this account's alarms."
  }
}

run "only_this_environments_alarms_may_publish" {
  command = plan

  assert {
    condition = jsondecode(aws_sns_topic_policy.this.policy).Statement[0] == {
      Sid       = "AlarmsOfThisEnvironment"
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = "sns:Publish"
      Resource  = "arn:aws:sns:eu-west-1:222222222222:example-dev-watch"
      Condition = {
        StringEquals = { "aws:SourceAccount" = "222222222222" }
        ArnLike      = { "aws:SourceArn" = "arn:aws:cloudwatch:eu-west-1:222222222222:alarm:example-dev-watch-*" }
      }
    }
    error_message = "Nobody but CloudWatch may publish, and for these alarms alone."
  }
}

run "addresses_are_subscribed" {
  command = plan

  variables {
    alarm_emails = ["on-call@example.com"]
  }

  assert {
    condition     = aws_sns_topic_subscription.email["on-call@example.com"].protocol == "email"
    error_message = "Each address must be subscribed by e-mail."
  }
}

run "a_kind_can_do_with_fewer_alarms" {
  command = plan

  variables {
    alarm_days = {
      leaf       = []
      issuing-ca = [60]
      root-ca    = [60]
      truststore = [30]
      server     = [14, 7]
    }
  }

  assert {
    condition     = length(output.alarm_names) == 5
    error_message = "Only the alarms asked for must be there."
  }
}
