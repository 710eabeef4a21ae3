# Asserts that every use of a root's key, and every change that could open the way to one, goes to an encrypted topic,
# which the rule alone publishes to. No cloud is called.

mock_provider "aws" {
  override_during = plan

  mock_resource "aws_kms_key" {
    defaults = {
      arn    = "arn:aws:kms:eu-west-1:111111111111:key/12345678-1234-1234-1234-123456789012"
      key_id = "12345678-1234-1234-1234-123456789012"
    }
  }

  mock_resource "aws_kms_alias" {
    defaults = {
      arn = "arn:aws:kms:eu-west-1:111111111111:alias/mock"
    }
  }

  mock_resource "aws_sns_topic" {
    defaults = {
      arn = "arn:aws:sns:eu-west-1:111111111111:example-root-ca-use"
    }
  }
}

variables {
  organization       = "example"
  account_id         = "111111111111"
  region             = "eu-west-1"
  ceremony_role_name = "example-ceremony"
  issuing_cas        = { dev = ["g1"] }
}

# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail-management.html
run "reads_are_seen_too_since_signing_counts_as_one" {
  command = plan

  assert {
    condition     = aws_cloudwatch_event_rule.root_use[0].state == "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
    error_message = "The rule does not see kms:Sign, which CloudTrail counts as reading."
  }
}

run "every_use_of_a_root_key_and_every_way_to_it_is_seen" {
  command = plan

  assert {
    condition     = length(setsubtract(["Sign", "EnableKey", "PutKeyPolicy", "CreateGrant", "UpdateAlias", "DeleteAlias", "ScheduleKeyDeletion"], jsondecode(aws_cloudwatch_event_rule.root_use[0].event_pattern).detail.eventName)) == 0
    error_message = "A call that uses a root's key, or opens the way to it, is not watched."
  }

  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.root_use[0].event_pattern).detail.resources.ARN == [
      "arn:aws:kms:eu-west-1:111111111111:key/12345678-1234-1234-1234-123456789012",
      "arn:aws:kms:eu-west-1:111111111111:alias/mock",
    ]
    error_message = "The rule does not watch the root's key and alias, and these alone."
  }
}

run "an_alarm_says_who_did_what_and_when" {
  command = plan

  assert {
    condition     = alltrue([for path in ["$.detail.eventName", "$.detail.userIdentity.arn", "$.detail.eventTime", "$.detail.requestID"] : contains(values(aws_cloudwatch_event_target.root_use[0].input_transformer[0].input_paths), path)])
    error_message = "The alarm does not tell the call, the caller, the time and the request."
  }

  assert {
    condition     = alltrue([for name in keys(aws_cloudwatch_event_target.root_use[0].input_transformer[0].input_paths) : strcontains(aws_cloudwatch_event_target.root_use[0].input_transformer[0].input_template, "<${name}>")])
    error_message = "A fact is taken from the event and not told."
  }
}

run "the_topic_is_encrypted_under_a_key_that_the_rule_may_use" {
  command = plan

  assert {
    condition     = aws_sns_topic.root_use[0].kms_master_key_id == aws_kms_key.alarm[0].arn && aws_kms_key.alarm[0].enable_key_rotation
    error_message = "The topic is not encrypted under the alarm's own key."
  }

  assert {
    condition = one([for statement in jsondecode(aws_kms_key.alarm[0].policy).Statement : alltrue([
      toset(statement.Action) == toset(["kms:Decrypt", "kms:GenerateDataKey"]),
      statement.Condition == { StringEquals = { "aws:SourceAccount" = "111111111111" } },
    ]) if statement.Principal == { Service = "events.amazonaws.com" }])
    error_message = "EventBridge could not encrypt what it publishes, or that of another account could."
  }
}

run "the_rule_alone_publishes" {
  command = plan

  assert {
    condition = [for statement in jsondecode(aws_sns_topic_policy.root_use[0].policy).Statement : [statement.Principal, statement.Condition] if statement.Effect == "Allow"] == [[
      { Service = "events.amazonaws.com" },
      { ArnEquals = { "aws:SourceArn" = "arn:aws:events:eu-west-1:111111111111:rule/example-root-ca-use" } },
    ]]
    error_message = "Somebody beside the rule publishes to the topic."
  }
}

run "people_are_told_by_mail" {
  command = plan

  variables {
    alarm_emails = ["security@example.com", "cfo@example.com"]
  }

  assert {
    condition     = toset([for subscription in aws_sns_topic_subscription.root_use : "${subscription.protocol} ${subscription.endpoint}"]) == toset(["email security@example.com", "email cfo@example.com"])
    error_message = "The addresses are not subscribed."
  }
}
