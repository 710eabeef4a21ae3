locals {
  # From names, so that policies are known at plan time and can be judged there.
  bucket_arn     = "arn:aws:s3:::${var.bucket_name}"
  plan_role_arn  = "arn:aws:iam::${var.account_id}:role/${var.organization}-plan"
  apply_role_arn = "arn:aws:iam::${var.account_id}:role/${var.organization}-apply"

  plans   = "${local.bucket_arn}/plans/*"
  journal = "${local.bucket_arn}/applied/*"
}

################################################################################
# Key: who may write need not be able to read
################################################################################

# KMS rather than SSE-S3, unlike the state bucket: the plan role may encrypt with this key and never decrypt, so what
# keeps it from reading plans does not hang on one policy. Losing the key loses plans, which can be made again.
resource "aws_kms_key" "this" {
  description             = "Plans of ${var.organization}: the plan role encrypts, the apply role decrypts"
  enable_key_rotation     = true
  deletion_window_in_days = 30

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # Without the account as a principal nobody could ever change the key again.
        # https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
        Sid       = "AccountAdministersWithoutReading"
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::${var.account_id}:root" }
        Action = [
          "kms:CancelKeyDeletion",
          "kms:CreateAlias",
          "kms:DeleteAlias",
          "kms:DescribeKey",
          "kms:DisableKey",
          "kms:EnableKey",
          "kms:EnableKeyRotation",
          "kms:GetKeyPolicy",
          "kms:GetKeyRotationStatus",
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
        # The account as principal: KMS refuses a role that does not exist, and roles are made after this.
        Sid       = "RolesWriteThroughS3"
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::${var.account_id}:root" }
        Action    = "kms:GenerateDataKey"
        Resource  = "*"
        Condition = {
          ArnEquals    = { "aws:PrincipalArn" = [local.apply_role_arn, local.plan_role_arn] }
          StringEquals = { "kms:ViaService" = "s3.${var.region}.amazonaws.com" }
        }
      },
      {
        Sid       = "ApplyReadsThroughS3"
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::${var.account_id}:root" }
        Action    = "kms:Decrypt"
        Resource  = "*"
        Condition = {
          ArnEquals    = { "aws:PrincipalArn" = local.apply_role_arn }
          StringEquals = { "kms:ViaService" = "s3.${var.region}.amazonaws.com" }
        }
      },
      {
        Sid       = "NobodyElseReads"
        Effect    = "Deny"
        Principal = { AWS = "*" }
        Action    = ["kms:Decrypt", "kms:ReEncrypt*"]
        Resource  = "*"
        Condition = { ArnNotEquals = { "aws:PrincipalArn" = local.apply_role_arn } }
      },
      {
        Sid       = "NobodyDelegates"
        Effect    = "Deny"
        Principal = { AWS = "*" }
        Action    = "kms:CreateGrant"
        Resource  = "*"
      },
    ]
  })
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.organization}-plans"
  target_key_id = aws_kms_key.this.key_id
}

################################################################################
# Bucket
################################################################################

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_18: who read a plan is answered by CloudTrail data events; server access logs are best effort and need one more bucket
  #checkov:skip=CKV_AWS_144: a plan that is lost is made again
  #checkov:skip=CKV2_AWS_62: nothing listens for plans, the pipeline knows what it wrote
  bucket        = var.bucket_name
  force_destroy = false

  lifecycle {
    prevent_destroy = true
  }
}

# A plan that was written twice shows both: the policy refuses it, and the version is evidence.
resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    bucket_key_enabled = true
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.this.arn
    }
  }
}

################################################################################
# Access: what the deploy roles are allowed is in deploy-roles; here is what nobody may
################################################################################

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
    Statement = [
      {
        Sid       = "DenyInsecureTransport"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [local.bucket_arn, "${local.bucket_arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        # An administrator too has to change this policy first, which CloudTrail tells.
        Sid       = "ApplyRoleAloneReads"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:GetObject", "s3:GetObjectVersion"]
        Resource  = "${local.bucket_arn}/*"
        Condition = { ArnNotEquals = { "aws:PrincipalArn" = local.apply_role_arn } }
      },
      {
        Sid       = "PlanRoleAloneWritesPlans"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:PutObject"
        Resource  = local.plans
        Condition = { ArnNotEquals = { "aws:PrincipalArn" = local.plan_role_arn } }
      },
      {
        # A plan is written once. Uploads in parts carry no such header, so this refuses them as well.
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
        Sid       = "PlansAreNeverOverwritten"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:PutObject"
        Resource  = local.plans
        Condition = { Null = { "s3:if-none-match" = "true" } }
      },
      {
        Sid       = "ApplyRoleAloneWritesTheJournal"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:PutObject"
        Resource  = local.journal
        Condition = { ArnNotEquals = { "aws:PrincipalArn" = local.apply_role_arn } }
      },
      {
        Sid         = "NothingElseIsWritten"
        Effect      = "Deny"
        Principal   = "*"
        Action      = "s3:PutObject"
        NotResource = [local.plans, local.journal]
      },
      {
        # Without the header the bucket's own encryption applies; a negated operator alone would refuse that too.
        Sid       = "NoWeakerEncryption"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:PutObject"
        Resource  = "${local.bucket_arn}/*"
        Condition = {
          Null            = { "s3:x-amz-server-side-encryption" = "false" }
          StringNotEquals = { "s3:x-amz-server-side-encryption" = "aws:kms" }
        }
      },
      {
        # The lifecycle below deletes, which no policy judges.
        Sid       = "NobodyDeletes"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
        Resource  = "${local.bucket_arn}/*"
      },
    ]
  })

  # S3 answers 409 to two changes of a bucket's access at once.
  depends_on = [aws_s3_bucket_public_access_block.this]
}

################################################################################
# Lifecycle: a plan is of use for days, and holds secrets for as long as it lies there
################################################################################

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    id     = "expire-plans"
    status = "Enabled"
    filter {
      prefix = "plans/"
    }

    expiration {
      days = var.plan_days
    }

    noncurrent_version_expiration {
      noncurrent_days = 1
    }
  }

  rule {
    id     = "expire-journal"
    status = "Enabled"
    filter {
      prefix = "applied/"
    }

    expiration {
      days = var.journal_days
    }

    noncurrent_version_expiration {
      noncurrent_days = var.journal_days
    }
  }

  # No upload in parts gets past the policy; what was begun before it stood goes all the same.
  rule {
    id     = "abort-uploads-in-parts"
    status = "Enabled"
    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  # Noncurrent versions mean nothing before versioning is on.
  depends_on = [aws_s3_bucket_versioning.this]
}
