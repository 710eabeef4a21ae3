locals {
  name   = "${var.name_prefix}-watch"
  within = "${var.region}:${var.account_id}"

  # From names, so that policies are known at plan time and can be judged there.
  function_arn = "arn:aws:lambda:${local.within}:function:${local.name}"
  topic_arn    = "arn:aws:sns:${local.within}:${local.name}"

  # What the function publishes under: pki.expiry.Kind, in words for whoever is woken.
  kinds = {
    leaf       = "certificates of clients without a successor"
    issuing-ca = "issuing CAs without a successor"
    root-ca    = "root CAs without a successor"
    truststore = "certificates in the pinned truststore"
    server     = "server certificates"
  }

  alarms = merge([
    for kind, days in var.alarm_days : {
      for count in days : "${kind}-${count}" => { kind = kind, days = count }
    }
  ]...)
}

################################################################################
# Function
################################################################################

module "function" {
  source = "../function"

  name        = local.name
  description = "Tells how soon certificates end: of clients, CAs, the truststore and the server"
  package     = var.package
  handler     = "mtls_watch.handler.handler"

  memory_mb       = var.memory_mb
  timeout_seconds = 300

  environment = {
    POWERTOOLS_SERVICE_NAME      = "watch"
    POWERTOOLS_METRICS_NAMESPACE = var.metrics_namespace
    LOG_LEVEL                    = var.log_level
    ENVIRONMENT                  = var.environment
    REGISTRY_TABLE               = var.registry_table_name
    API_DOMAIN_NAME              = var.api_domain_name
  }

  policy_statements = [
    {
      sid       = "ReadRegistry"
      actions   = ["dynamodb:Scan"]
      resources = [var.registry_table_arn]
    },
    {
      # Which truststore version and which server certificate the domain has. API Gateway's ARNs have no account.
      sid       = "ReadDomain"
      actions   = ["apigateway:GET"]
      resources = ["arn:aws:apigateway:${var.region}::/domainnames/${var.api_domain_name}"]
    },
    {
      # The version that is pinned, and so never the object without one.
      sid       = "ReadPinnedTruststore"
      actions   = ["s3:GetObjectVersion"]
      resources = ["${var.truststore_bucket_arn}/${var.truststore_object_key}"]
    },
    {
      # Which one it is, the domain tells: the certificate is replaced without this module.
      sid       = "ReadServerCertificate"
      actions   = ["acm:DescribeCertificate"]
      resources = ["arn:aws:acm:${local.within}:certificate/*"]
    },
  ]

  log_retention_days       = var.log_retention_days
  log_kms_key_arn          = var.log_kms_key_arn
  permissions_boundary_arn = var.permissions_boundary_arn
}

################################################################################
# Schedule
################################################################################

resource "aws_iam_role" "scheduler" {
  name                 = "${local.name}-scheduler"
  description          = "Lets EventBridge Scheduler invoke ${local.name}, and nothing else"
  permissions_boundary = var.permissions_boundary_arn

  # https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "scheduler.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "scheduler" {
  name = "invoke"
  role = aws_iam_role.scheduler.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "InvokeTheWatch"
      Effect   = "Allow"
      Action   = "lambda:InvokeFunction"
      Resource = local.function_arn
    }]
  })
}

resource "aws_scheduler_schedule" "this" {
  #checkov:skip=CKV_AWS_297: the schedule holds no data: it says when and which function; AWS encrypts it with a key of its own

  name                         = local.name
  description                  = "Runs ${local.name}"
  schedule_expression          = var.schedule_expression
  schedule_expression_timezone = "UTC"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = local.function_arn
    role_arn = aws_iam_role.scheduler.arn

    # For an invocation that Lambda did not take. One that fails inside the function is repeated by Lambda itself.
    retry_policy {
      maximum_retry_attempts       = 5
      maximum_event_age_in_seconds = 3600
    }
  }

  depends_on = [aws_iam_role_policy.scheduler, module.function]
}

################################################################################
# Topic: where the alarms go
################################################################################

# CloudWatch may use a key only where its policy says so, which that of the AWS-managed key does not.
# https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
resource "aws_kms_key" "this" {
  description         = "Encrypts the alarms of ${local.name}"
  enable_key_rotation = true

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Administration"
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::${var.account_id}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        Sid       = "AlarmsOfThisAccount"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
        Resource  = "*"
        Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
      },
    ]
  })
}

resource "aws_kms_alias" "this" {
  name          = "alias/${local.name}"
  target_key_id = aws_kms_key.this.key_id
}

resource "aws_sns_topic" "this" {
  name              = local.name
  display_name      = local.name
  kms_master_key_id = aws_kms_key.this.arn
}

resource "aws_sns_topic_policy" "this" {
  arn = aws_sns_topic.this.arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "AlarmsOfThisEnvironment"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = local.topic_arn
        Condition = {
          StringEquals = { "aws:SourceAccount" = var.account_id }
          ArnLike      = { "aws:SourceArn" = "arn:aws:cloudwatch:${local.within}:alarm:${local.name}-*" }
        }
      },
      {
        Sid       = "DenyInsecureTransport"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sns:Publish"
        Resource  = local.topic_arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

# Each address gets a mail and is subscribed once it agrees.
resource "aws_sns_topic_subscription" "email" {
  for_each = var.alarm_emails

  topic_arn = aws_sns_topic.this.arn
  protocol  = "email"
  endpoint  = each.key
}

################################################################################
# Alarms: one a kind and threshold
################################################################################

# Counts rather than days to the next expiry: a fleet without certificates has a count of zero and no next expiry.
# Missing data breaches: a watch that does not run must not look like one that finds nothing.
resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name        = "${local.name}-${each.value.kind}-${each.value.days}d"
  alarm_description = "${var.name_prefix}: ${local.kinds[each.value.kind]} have less than ${each.value.days} ${each.value.days == 1 ? "day" : "days"} left, or the watch does not run. Which: expiry-report --environment ${var.environment}"

  namespace   = var.metrics_namespace
  metric_name = "EndingWithin${each.value.days}Days"
  dimensions  = { Environment = var.environment, Kind = each.value.kind }
  statistic   = "Maximum"
  period      = var.alarm_period_seconds

  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 1
  treat_missing_data  = "breaching"

  alarm_actions = [aws_sns_topic.this.arn]
  ok_actions    = [aws_sns_topic.this.arn]
}
