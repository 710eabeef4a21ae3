################################################################################
# Alarm: whoever uses a root's key, or opens the way to it, is seen
################################################################################

locals {
  root_keys = { for name, key in local.keys : name => key if key.is_root }

  # Sign is the use. EnableKey comes before every one of them; the others could let somebody else sign, put another
  # key in the place of the root's, or take it away.
  watched_calls = [
    "CreateGrant",
    "DeleteAlias",
    "EnableKey",
    "PutKeyPolicy",
    "ScheduleKeyDeletion",
    "Sign",
    "UpdateAlias",
  ]

  alarm_name = "${var.organization}-root-ca-use"
  alarm_arn  = "arn:aws:sns:${var.region}:${var.account_id}:${local.alarm_name}"
  rule_arn   = "arn:aws:events:${var.region}:${var.account_id}:rule/${local.alarm_name}"
}

# Sign counts as reading: a rule that is merely enabled never sees it. A trail has to log management events, reads
# included (see `ceremony-log`).
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail-management.html
resource "aws_cloudwatch_event_rule" "root_use" {
  count = length(local.root_keys) > 0 ? 1 : 0

  name        = local.alarm_name
  description = "A root CA's key was used, enabled or changed, or somebody tried"
  state       = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"

  event_pattern = jsonencode({
    source      = ["aws.kms"]
    detail-type = ["AWS API Call via CloudTrail"]
    detail = {
      eventSource = ["kms.amazonaws.com"]
      eventName   = local.watched_calls
      resources   = { ARN = flatten([for name, key in local.root_keys : [aws_kms_key.this[name].arn, aws_kms_alias.this[name].arn]]) }
    }
  })
}

resource "aws_cloudwatch_event_target" "root_use" {
  count = length(local.root_keys) > 0 ? 1 : 0

  rule      = aws_cloudwatch_event_rule.root_use[0].name
  target_id = "alarm"
  arn       = aws_sns_topic.root_use[0].arn

  input_transformer {
    input_paths = {
      what    = "$.detail.eventName"
      who     = "$.detail.userIdentity.arn"
      from    = "$.detail.sourceIPAddress"
      when    = "$.detail.eventTime"
      key     = "$.detail.resources[0].ARN"
      request = "$.detail.requestID"
      error   = "$.detail.errorCode"
    }
    input_template = "\"Root CA of ${var.organization}: <what> by <who> from <from> at <when> on <key>, request <request> <error>. Unless this is a ceremony that you know of: docs/incident-response.md\""
  }

  # The topic's policy names the rule, and EventBridge asks for it when the target is made.
  depends_on = [aws_sns_topic_policy.root_use]
}

resource "aws_sns_topic" "root_use" {
  count = length(local.root_keys) > 0 ? 1 : 0

  name              = local.alarm_name
  display_name      = "Root CA of ${var.organization}"
  kms_master_key_id = aws_kms_key.alarm[0].arn
}

resource "aws_sns_topic_policy" "root_use" {
  count = length(local.root_keys) > 0 ? 1 : 0

  arn = aws_sns_topic.root_use[0].arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TheRulePublishes"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = local.alarm_arn
        Condition = { ArnEquals = { "aws:SourceArn" = local.rule_arn } }
      },
      {
        Sid       = "DenyInsecureTransport"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sns:Publish"
        Resource  = local.alarm_arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

resource "aws_sns_topic_subscription" "root_use" {
  for_each = length(local.root_keys) > 0 ? var.alarm_emails : []

  topic_arn = aws_sns_topic.root_use[0].arn
  protocol  = "email"
  endpoint  = each.value
}

# A key of our own: EventBridge cannot publish to a topic under AWS's.
# https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
resource "aws_kms_key" "alarm" {
  count = length(local.root_keys) > 0 ? 1 : 0

  description             = "Alarms about the root CA (${var.organization})"
  deletion_window_in_days = 30
  enable_key_rotation     = true

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "AccountAdministers"
        Effect    = "Allow"
        Principal = { AWS = local.account_root_arn }
        Action    = sort(concat(local.administration, ["kms:EnableKey", "kms:EnableKeyRotation"]))
        Resource  = "*"
      },
      {
        Sid       = "TheRuleEncrypts"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = "*"
        Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
      },
    ]
  })
}

resource "aws_kms_alias" "alarm" {
  count = length(local.root_keys) > 0 ? 1 : 0

  name          = "alias/${local.alarm_name}"
  target_key_id = aws_kms_key.alarm[0].key_id
}
