locals {
  # From names, so that policies are known at plan time and can be judged there.
  account_root_arn  = "arn:aws:iam::${var.account_id}:root"
  ceremony_role_arn = "arn:aws:iam::${var.account_id}:role/${var.ceremony_role_name}"
  bucket_name       = "${var.organization}-ca-${var.account_id}"
  bucket_arn        = "arn:aws:s3:::${local.bucket_name}"

  # Name of a key, as in its alias -> description.
  keys = merge(
    { for generation in var.root_generations : "root-ca-${generation}" => "Root CA ${upper(generation)}" },
    merge([
      for environment, generations in var.issuing_cas : {
        for generation in generations :
        "${environment}-issuing-ca-${generation}" => "Issuing CA ${upper(generation)} of ${environment}"
      }
    ]...),
  )
}

################################################################################
# CA keys: made in KMS, never exported, signing for the ceremony role alone
################################################################################

resource "aws_kms_key" "this" {
  #checkov:skip=CKV_AWS_7: KMS does not rotate asymmetric keys; a CA rotates by a new generation
  for_each = local.keys

  description              = "${each.value} (${var.organization})"
  key_usage                = "SIGN_VERIFY"
  customer_master_key_spec = var.key_spec
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

  # Another key spec or a generation taken off the list would destroy a key that nobody can make again.
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_kms_alias" "this" {
  for_each = local.keys

  name          = "alias/${var.organization}-${each.key}"
  target_key_id = aws_kms_key.this[each.key].key_id
}

################################################################################
# CA certificates: public, but nobody may swap one
################################################################################

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_18: who wrote a certificate is answered by CloudTrail data events; server access logs are best effort and need one more bucket
  #checkov:skip=CKV_AWS_144: a certificate is in every truststore bundle as well
  #checkov:skip=CKV_AWS_145: SSE-S3 on purpose: CA certificates are public
  #checkov:skip=CKV2_AWS_61: certificates and their versions never expire, what an old CA signed has to stay verifiable
  #checkov:skip=CKV2_AWS_62: a ceremony is the only writer and leaves its own transcript
  bucket        = local.bucket_name
  force_destroy = false

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
        Sid       = "CeremonyAloneWrites"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:PutObject"
        Resource  = "${local.bucket_arn}/*"
        Condition = { ArnNotEquals = { "aws:PrincipalArn" = local.ceremony_role_arn } }
      },
      {
        # Written with If-None-Match, an existing certificate cannot be replaced. The second condition spares
        # multipart uploads, whose header comes with CompleteMultipartUpload.
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
        Sid       = "NobodyOverwrites"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:PutObject"
        Resource  = "${local.bucket_arn}/*"
        Condition = {
          Null = { "s3:if-none-match" = "true" }
          Bool = { "s3:ObjectCreationOperation" = "true" }
        }
      },
      {
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
