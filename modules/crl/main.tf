locals {
  # From names, so that policies are known at plan time and can be judged there.
  bucket_name       = "${var.organization}-crl-${var.account_id}"
  bucket_arn        = "arn:aws:s3:::${local.bucket_name}"
  ca_bucket_arn     = "arn:aws:s3:::${var.organization}-ca-${var.account_id}"
  ceremony_role_arn = "arn:aws:iam::${var.account_id}:role/${var.ceremony_role_name}"

  names         = { for environment in keys(var.environments) : environment => "${var.organization}-${environment}-crl" }
  function_arns = { for environment, name in local.names : environment => "arn:aws:lambda:${var.region}:${var.account_id}:function:${name}" }
  role_arns     = { for environment, name in local.names : environment => "arn:aws:iam::${var.account_id}:role/${name}" }
}

################################################################################
# Functions: each signs the lists of one environment's issuing CAs
################################################################################

module "function" {
  source   = "../function"
  for_each = local.names

  name        = each.value
  description = "Publishes the certificate revocation lists of ${each.key} for relying parties other than its API"
  package     = var.package
  handler     = "mtls_crl.handler.handler"

  memory_mb       = var.memory_mb
  timeout_seconds = var.timeout_seconds

  environment = {
    POWERTOOLS_SERVICE_NAME      = "crl"
    POWERTOOLS_METRICS_NAMESPACE = "mtls-api"
    LOG_LEVEL                    = var.log_level
    ENVIRONMENT                  = each.key
    ORGANIZATION                 = var.organization
    SECURITY_ACCOUNT_ID          = var.account_id
    WORKLOAD_ACCOUNT_ID          = var.environments[each.key].account_id
    WORKLOAD_REGION              = var.environments[each.key].region
  }

  policy_statements = [
    {
      sid       = "ReadCaCertificates"
      actions   = ["s3:GetObject"]
      resources = ["${local.ca_bucket_arn}/issuing/${each.key}/*"]
    },
    {
      sid       = "PublishLists"
      actions   = ["s3:GetObject", "s3:PutObject"]
      resources = ["${local.bucket_arn}/${each.key}/*"]
    },
    {
      # Without it, S3 answers 403 for an object that is not there yet.
      sid       = "List"
      actions   = ["s3:ListBucket"]
      resources = [local.ca_bucket_arn, local.bucket_arn]
    },
    {
      sid       = "ReadRegistry"
      actions   = ["sts:AssumeRole"]
      resources = ["arn:aws:iam::${var.environments[each.key].account_id}:role/${var.organization}-${each.key}-pki-reader"]
    },
  ]

  log_retention_days       = var.log_retention_days
  log_kms_key_arn          = var.log_kms_key_arn
  permissions_boundary_arn = var.permissions_boundary_arn
}

# By alias, so that a new generation of the CA needs no change here. The keys' own policies must allow it as well (module `pki`).
resource "aws_iam_role_policy" "sign" {
  for_each = local.names

  name = "sign"
  role = each.value

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "SignWithIssuingKeys"
      Effect    = "Allow"
      Action    = ["kms:GetPublicKey", "kms:Sign"]
      Resource  = "arn:aws:kms:${var.region}:${var.account_id}:key/*"
      Condition = { "ForAnyValue:StringLike" = { "kms:ResourceAliases" = "alias/${var.organization}-${each.key}-issuing-ca-*" } }
    }]
  })

  depends_on = [module.function]
}

################################################################################
# Schedule
################################################################################

resource "aws_iam_role" "scheduler" {
  name                 = "${var.organization}-crl-scheduler"
  description          = "Lets EventBridge Scheduler publish revocation lists, and nothing else"
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
      Sid      = "PublishLists"
      Effect   = "Allow"
      Action   = "lambda:InvokeFunction"
      Resource = sort(values(local.function_arns))
    }]
  })
}

resource "aws_scheduler_schedule" "this" {
  #checkov:skip=CKV_AWS_297: the schedule holds no data: it says when and which function; AWS encrypts it with a key of its own
  for_each = local.names

  name                         = each.value
  description                  = "Publishes the revocation lists of ${each.key}"
  schedule_expression          = "rate(1 hour)"
  schedule_expression_timezone = "UTC"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = local.function_arns[each.key]
    role_arn = aws_iam_role.scheduler.arn

    # For an invocation that Lambda did not take. One that fails inside the function is repeated by Lambda itself.
    retry_policy {
      maximum_retry_attempts       = 5
      maximum_event_age_in_seconds = 1800
    }
  }

  depends_on = [aws_iam_role_policy.scheduler, module.function]
}

################################################################################
# Alarm: no list, or one that relying parties cannot live on for long
################################################################################

# A list is valid for 24 hours and signed again with 12 left. Three runs that fail, or are missing, are an alarm: then
# nine hours are left at least.
resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.names

  alarm_name        = "${each.value}-not-published"
  alarm_description = "Revocation lists of ${each.key} are not published: relying parties refuse every certificate when nextUpdate has passed. See the log of ${each.value}; publish-crl --environment ${each.key} publishes at once"

  namespace           = "mtls-api"
  metric_name         = "CrlSecondsLeft"
  dimensions          = { environment = each.key, service = "crl" }
  statistic           = "Minimum"
  period              = 3600
  evaluation_periods  = 3
  datapoints_to_alarm = 3
  comparison_operator = "LessThanThreshold"
  threshold           = 6 * 3600
  treat_missing_data  = "breaching"
  alarm_actions       = var.alarm_topic_arns
  ok_actions          = var.alarm_topic_arns
}

################################################################################
# Bucket: <environment>/<generation>.crl in DER, and .crl.pem
################################################################################

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_18: who published a list is answered by CloudTrail data events; server access logs are best effort and need one more bucket
  #checkov:skip=CKV_AWS_144: a list is valid for a day, and signed again at will
  #checkov:skip=CKV_AWS_145: SSE-S3 on purpose: lists are for whoever relies on the CA, and a key's policy would have to name them
  #checkov:skip=CKV2_AWS_61: what was published stays: each version answers for one signature in the audit of the key
  #checkov:skip=CKV2_AWS_62: the functions are the only writers, and an alarm watches that they write
  bucket        = local.bucket_name
  force_destroy = false

  # Without the last list, the next one would count from 1, and relying parties would take it for an old one.
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket = aws_s3_bucket.this.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_policy" "this" {
  bucket = aws_s3_bucket.this.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid       = "DenyInsecureTransport"
          Effect    = "Deny"
          Principal = "*"
          Action    = "s3:*"
          Resource  = [local.bucket_arn, "${local.bucket_arn}/*"]
          Condition = { Bool = { "aws:SecureTransport" = "false" } }
        },
        {
          Sid       = "PublishersAloneWrite"
          Effect    = "Deny"
          Principal = "*"
          Action    = "s3:PutObject"
          Resource  = "${local.bucket_arn}/*"
          Condition = { ArnNotEquals = { "aws:PrincipalArn" = sort(concat([local.ceremony_role_arn], values(local.role_arns))) } }
        },
        {
          Sid       = "NobodyDeletes"
          Effect    = "Deny"
          Principal = "*"
          Action    = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
          Resource  = "${local.bucket_arn}/*"
        },
        {
          # For `publish-crl`. The role must exist: IAM refuses a principal that does not.
          Sid       = "CeremonyPublishes"
          Effect    = "Allow"
          Principal = { AWS = local.ceremony_role_arn }
          Action    = ["s3:GetObject", "s3:ListBucket", "s3:ListBucketVersions", "s3:GetObjectVersion", "s3:PutObject"]
          Resource  = [local.bucket_arn, "${local.bucket_arn}/*"]
        },
      ],
      [
        for arns in [sort(var.reader_arns)] : {
          Sid       = "ReadersRead"
          Effect    = "Allow"
          Principal = { AWS = arns }
          Action    = "s3:GetObject"
          Resource  = "${local.bucket_arn}/*"
        } if length(arns) > 0
      ],
      [
        # S3 does not count it as public: the condition names organisations.
        for ids in [sort(var.reader_organization_ids)] : {
          Sid       = "OrganizationsRead"
          Effect    = "Allow"
          Principal = "*"
          Action    = "s3:GetObject"
          Resource  = "${local.bucket_arn}/*"
          Condition = { StringEquals = { "aws:PrincipalOrgID" = ids } }
        } if length(ids) > 0
      ],
    )
  })

  # S3 answers 409 to two changes of a bucket's access at once.
  depends_on = [aws_s3_bucket_public_access_block.this]
}
