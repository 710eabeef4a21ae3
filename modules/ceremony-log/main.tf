locals {
  # From names, so that policies are known at plan time and can be judged there.
  account_root_arn  = "arn:aws:iam::${var.account_id}:root"
  ceremony_role_arn = "arn:aws:iam::${var.account_id}:role/${var.ceremony_role_name}"
  log_bucket_name   = "${var.organization}-ceremony-log-${var.account_id}"
  log_bucket_arn    = "arn:aws:s3:::${local.log_bucket_name}"
  trail_bucket_name = "${var.organization}-cloudtrail-${var.account_id}"
  trail_bucket_arn  = "arn:aws:s3:::${local.trail_bucket_name}"
  trail_name        = "${var.organization}-ca"
  trail_arn         = "arn:aws:cloudtrail:${var.region}:${var.account_id}:trail/${local.trail_name}"
}

################################################################################
# Transcripts: written once, by the ceremony alone, and kept whoever asks
################################################################################

resource "aws_s3_bucket" "log" {
  #checkov:skip=CKV_AWS_18: who read or wrote a transcript is answered by CloudTrail data events; server access logs are best effort and need one more bucket
  #checkov:skip=CKV_AWS_144: a transcript can be downloaded and proved anywhere, and its certificates are in the CA bucket and every truststore bundle as well
  #checkov:skip=CKV_AWS_145: SSE-S3 on purpose: a transcript holds nothing secret, and a key would be a second thing whose loss loses it
  #checkov:skip=CKV2_AWS_61: transcripts never expire
  #checkov:skip=CKV2_AWS_62: a ceremony is the only writer, and the trail below tells of each use of a key
  bucket              = local.log_bucket_name
  object_lock_enabled = true
  force_destroy       = false

  lifecycle {
    prevent_destroy = true
  }
}

# Object lock is of versions: without them there is none.
resource "aws_s3_bucket_versioning" "log" {
  bucket = aws_s3_bucket.log.id

  versioning_configuration {
    status = "Enabled"
  }
}

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
resource "aws_s3_bucket_object_lock_configuration" "log" {
  bucket = aws_s3_bucket.log.id

  rule {
    default_retention {
      mode = var.retention.mode
      days = var.retention.days
    }
  }

  depends_on = [aws_s3_bucket_versioning.log]
}

resource "aws_s3_bucket_server_side_encryption_configuration" "log" {
  bucket = aws_s3_bucket.log.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_ownership_controls" "log" {
  bucket = aws_s3_bucket.log.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "log" {
  bucket = aws_s3_bucket.log.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_policy" "log" {
  bucket = aws_s3_bucket.log.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "DenyInsecureTransport"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [local.log_bucket_arn, "${local.log_bucket_arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "CeremonyAloneWrites"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:PutObject"
        Resource  = "${local.log_bucket_arn}/*"
        Condition = { ArnNotEquals = { "aws:PrincipalArn" = local.ceremony_role_arn } }
      },
      {
        # Written with If-None-Match, an entry cannot be replaced, and two runs cannot both continue a transcript. The
        # second condition spares multipart uploads, whose header comes with CompleteMultipartUpload.
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
        Sid       = "NobodyOverwrites"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:PutObject"
        Resource  = "${local.log_bucket_arn}/*"
        Condition = {
          Null = { "s3:if-none-match" = "true" }
          Bool = { "s3:ObjectCreationOperation" = "true" }
        }
      },
      {
        # A delete marker would hide an entry, although its version is locked.
        Sid       = "NobodyDeletes"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
        Resource  = "${local.log_bucket_arn}/*"
      },
      {
        # An entry's retention is the bucket's: no writer chooses another, and nobody goes by GOVERNANCE.
        Sid       = "NobodyShortensRetention"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:BypassGovernanceRetention", "s3:PutObjectLegalHold", "s3:PutObjectRetention"]
        Resource  = "${local.log_bucket_arn}/*"
      },
    ]
  })

  # S3 answers 409 to two changes of a bucket's access at once.
  depends_on = [aws_s3_bucket_public_access_block.log]
}

################################################################################
# Transcript key: signs entries, for the ceremony role alone
################################################################################

resource "aws_kms_key" "this" {
  #checkov:skip=CKV_AWS_7: KMS does not rotate asymmetric keys
  description              = "Signs the transcripts of CA ceremonies (${var.organization})"
  key_usage                = "SIGN_VERIFY"
  customer_master_key_spec = "ECC_NIST_P256"
  deletion_window_in_days  = 30

  # https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # Without the account as a principal nobody could ever change the key again. Signing, verifying and
        # grants (a grant could pass Sign on) are left out.
        Sid       = "AccountAdministersWithoutSigning"
        Effect    = "Allow"
        Principal = { AWS = local.account_root_arn }
        Action = [
          "kms:CancelKeyDeletion",
          "kms:CreateAlias",
          "kms:DeleteAlias",
          "kms:DescribeKey",
          "kms:DisableKey",
          "kms:EnableKey",
          "kms:GetKeyPolicy",
          "kms:GetKeyRotationStatus",
          "kms:GetPublicKey",
          "kms:ListGrants",
          "kms:ListKeyPolicies",
          "kms:ListResourceTags",
          "kms:PutKeyPolicy",
          "kms:ScheduleKeyDeletion",
          "kms:TagResource",
          "kms:UntagResource",
          "kms:UpdateAlias",
          "kms:UpdateKeyDescription",
        ]
        Resource = "*"
      },
      {
        Sid       = "CeremonySigns"
        Effect    = "Allow"
        Principal = { AWS = local.ceremony_role_arn }
        Action    = ["kms:DescribeKey", "kms:GetPublicKey", "kms:Sign", "kms:Verify"]
        Resource  = "*"
      },
      {
        Sid       = "NobodyElseSigns"
        Effect    = "Deny"
        Principal = { AWS = "*" }
        Action    = "kms:Sign"
        Resource  = "*"
        Condition = { ArnNotEquals = { "aws:PrincipalArn" = local.ceremony_role_arn } }
      },
      {
        Sid       = "NobodyDelegates"
        Effect    = "Deny"
        Principal = { AWS = "*" }
        Action    = "kms:CreateGrant"
        Resource  = "*"
      },
      {
        # The longest waiting time there is: 30 days in which a deletion can be noticed and cancelled.
        # https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-schedule-key-deletion-pending-window-in-days
        Sid       = "NobodyDeletesInAHurry"
        Effect    = "Deny"
        Principal = { AWS = "*" }
        Action    = "kms:ScheduleKeyDeletion"
        Resource  = "*"
        Condition = { NumericLessThan = { "kms:ScheduleKeyDeletionPendingWindowInDays" = "30" } }
      },
    ]
  })

  # Without its public half no transcript can be proved any more, unless somebody kept a copy.
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.organization}-transcript"
  target_key_id = aws_kms_key.this.key_id
}

################################################################################
# Trail: each use of a key, in files that can be validated
################################################################################

resource "aws_cloudtrail" "this" {
  #checkov:skip=CKV_AWS_252: who uses a CA key is told at once by the alarm of the module pki; a message for each file of the trail is read by nobody
  #checkov:skip=CKV_AWS_35: SSE-S3 on purpose: events hold nothing secret (CloudTrail leaves secrets out), and a key would be a second thing whose loss loses them
  #checkov:skip=CKV2_AWS_10: CloudWatch Logs would hold a second copy; LookupEvents searches the last 90 days, and the files what is older
  name           = local.trail_name
  s3_bucket_name = aws_s3_bucket.trail.id

  is_multi_region_trail         = true
  include_global_service_events = true
  enable_log_file_validation    = true

  # Signing is a read-only management event: a trail of writes alone would not show it.
  # https://docs.aws.amazon.com/kms/latest/developerguide/logging-using-cloudtrail.html
  event_selector {
    read_write_type           = "All"
    include_management_events = true
  }

  # CloudTrail tries to write before it takes the bucket.
  depends_on = [aws_s3_bucket_policy.trail]
}

resource "aws_s3_bucket" "trail" {
  #checkov:skip=CKV_AWS_18: the log of a log: CloudTrail alone writes, and its digest files tell whether one was changed
  #checkov:skip=CKV_AWS_144: LookupEvents has the last 90 days in every region
  #checkov:skip=CKV_AWS_145: SSE-S3 on purpose, as of the trail
  #checkov:skip=CKV2_AWS_62: CloudTrail is the only writer
  bucket        = local.trail_bucket_name
  force_destroy = false

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_versioning" "trail" {
  bucket = aws_s3_bucket.trail.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "trail" {
  bucket = aws_s3_bucket.trail.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_ownership_controls" "trail" {
  bucket = aws_s3_bucket.trail.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "trail" {
  bucket = aws_s3_bucket.trail.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
resource "aws_s3_bucket_policy" "trail" {
  bucket = aws_s3_bucket.trail.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "DenyInsecureTransport"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [local.trail_bucket_arn, "${local.trail_bucket_arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "CloudTrailReadsAcl"
        Effect    = "Allow"
        Principal = { Service = "cloudtrail.amazonaws.com" }
        Action    = "s3:GetBucketAcl"
        Resource  = local.trail_bucket_arn
        Condition = { StringEquals = { "aws:SourceArn" = local.trail_arn } }
      },
      {
        # Of this trail alone: CloudTrail writes for other accounts as well.
        Sid       = "CloudTrailWrites"
        Effect    = "Allow"
        Principal = { Service = "cloudtrail.amazonaws.com" }
        Action    = "s3:PutObject"
        Resource  = "${local.trail_bucket_arn}/AWSLogs/${var.account_id}/*"
        Condition = {
          StringEquals = {
            "aws:SourceArn" = local.trail_arn
            "s3:x-amz-acl"  = "bucket-owner-full-control"
          }
        }
      },
      {
        Sid       = "NobodyElseWrites"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:PutObject"
        Resource  = "${local.trail_bucket_arn}/*"
        Condition = { StringNotEqualsIfExists = { "aws:PrincipalServiceName" = "cloudtrail.amazonaws.com" } }
      },
      {
        Sid       = "NobodyDeletes"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
        Resource  = "${local.trail_bucket_arn}/*"
      },
    ]
  })

  # S3 answers 409 to two changes of a bucket's access at once.
  depends_on = [aws_s3_bucket_public_access_block.trail]
}

# Expiry by a rule is no request that a policy could deny.
resource "aws_s3_bucket_lifecycle_configuration" "trail" {
  bucket = aws_s3_bucket.trail.id

  rule {
    id     = "expire-events"
    status = "Enabled"
    filter {}

    expiration {
      days = var.trail_days
    }

    noncurrent_version_expiration {
      noncurrent_days = 30
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  # Noncurrent versions mean nothing before versioning is on.
  depends_on = [aws_s3_bucket_versioning.trail]
}
