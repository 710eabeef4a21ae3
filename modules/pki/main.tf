locals {
  # From names, so that policies are known at plan time and can be judged there.
  account_root_arn  = "arn:aws:iam::${var.account_id}:root"
  ceremony_role_arn = "arn:aws:iam::${var.account_id}:role/${var.ceremony_role_name}"
  bucket_name       = "${var.organization}-ca-${var.account_id}"
  bucket_arn        = "arn:aws:s3:::${local.bucket_name}"

  # Name of a key, as in its alias -> what it is, and who signs with it beside the ceremony. A function's role is named
  # before it exists: an ARN in a condition does no harm until then.
  keys = merge(
    { for generation in var.root_generations : "root-ca-${generation}" => {
      description = "Root CA ${upper(generation)}"
      is_root     = true
      key_spec    = var.root_key_spec
      functions   = []
    } },
    merge([
      for environment, generations in var.issuing_cas : {
        for generation in generations :
        "${environment}-issuing-ca-${generation}" => {
          description = "Issuing CA ${upper(generation)} of ${environment}"
          is_root     = false
          key_spec    = var.issuing_key_spec
          functions = [
            for function in ["issuer", "crl"] :
            "arn:aws:iam::${var.account_id}:role/${var.organization}-${environment}-${function}"
          ]
        }
      }
    ]...),
  )

  # Without the account as a principal nobody could ever change a key again. What uses a key, and grants (which could
  # pass its use on), are left out.
  # https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
  administration = [
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
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

  # The longest waiting time there is: 30 days in which a deletion can be noticed and cancelled.
  # https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-schedule-key-deletion-pending-window-in-days
  no_hurried_deletion = {
    Sid       = "NobodyDeletesInAHurry"
    Effect    = "Deny"
    Principal = { AWS = "*" }
    Action    = "kms:ScheduleKeyDeletion"
    Resource  = "*"
    Condition = { NumericLessThan = { "kms:ScheduleKeyDeletionPendingWindowInDays" = "30" } }
  }

  key_policies = { for name, key in local.keys : name => {
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid       = "AccountAdministersWithoutSigning"
          Effect    = "Allow"
          Principal = { AWS = local.account_root_arn }
          # A root's key is enabled by a ceremony alone; anybody may stop one.
          Action   = sort(concat(local.administration, ["kms:GetPublicKey"], key.is_root ? [] : ["kms:EnableKey"]))
          Resource = "*"
        },
        {
          Sid       = "CeremonySigns"
          Effect    = "Allow"
          Principal = { AWS = local.ceremony_role_arn }
          Action = concat(
            ["kms:DescribeKey", "kms:GetPublicKey", "kms:Sign", "kms:Verify"],
            key.is_root ? ["kms:DisableKey", "kms:EnableKey"] : [],
          )
          Resource = "*"
        },
      ],
      [for arns in [key.functions] : {
        # The account as principal: KMS refuses one that does not exist, and a role made anew would not be the same.
        Sid       = "FunctionsSign"
        Effect    = "Allow"
        Principal = { AWS = local.account_root_arn }
        Action    = ["kms:DescribeKey", "kms:GetPublicKey", "kms:Sign"]
        Resource  = "*"
        Condition = { ArnEquals = { "aws:PrincipalArn" = arns } }
      } if length(arns) > 0],
      [
        {
          Sid       = "NobodyElseSigns"
          Effect    = "Deny"
          Principal = { AWS = "*" }
          Action    = "kms:Sign"
          Resource  = "*"
          Condition = { ArnNotEquals = { "aws:PrincipalArn" = concat([local.ceremony_role_arn], key.functions) } }
        },
        {
          Sid       = "NobodyDelegates"
          Effect    = "Deny"
          Principal = { AWS = "*" }
          Action    = "kms:CreateGrant"
          Resource  = "*"
        },
        local.no_hurried_deletion,
      ],
    )
  } }
}

################################################################################
# CA keys: made in KMS, never exported; a root's is disabled until a ceremony
################################################################################

resource "aws_kms_key" "this" {
  #checkov:skip=CKV_AWS_7: KMS does not rotate asymmetric keys; a CA rotates by a new generation
  #checkov:skip=CKV_AWS_227: a root's key is enabled for a ceremony and disabled after it
  for_each = local.keys

  description              = "${each.value.description} (${var.organization})"
  key_usage                = "SIGN_VERIFY"
  customer_master_key_spec = each.value.key_spec
  is_enabled               = !each.value.is_root
  deletion_window_in_days  = 30
  policy                   = jsonencode(local.key_policies[each.key])

  lifecycle {
    # A generation taken off the list would destroy a key that nobody can make again.
    prevent_destroy = true

    # A key keeps its spec for life: another one is for generations to come. Whether it is enabled is the ceremony's
    # business, and an incident's.
    ignore_changes = [customer_master_key_spec, is_enabled]
  }
}

resource "aws_kms_alias" "this" {
  for_each = local.keys

  name          = "alias/${var.organization}-${each.key}"
  target_key_id = aws_kms_key.this[each.key].key_id
}

################################################################################
# The key over CA keys that are stored as encrypted PEM, where an organization keeps them so
################################################################################

resource "aws_kms_key" "storage" {
  count = var.stores_keys ? 1 : 0

  description             = "Stored keys of the CA (${var.organization})"
  deletion_window_in_days = 30
  enable_key_rotation     = true

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "AccountAdministersWithoutReading"
        Effect    = "Allow"
        Principal = { AWS = local.account_root_arn }
        Action    = sort(concat(local.administration, ["kms:EnableKey", "kms:EnableKeyRotation"]))
        Resource  = "*"
      },
      {
        # Secrets Manager asks for all three, and so does the Parameter Store's advanced tier.
        # https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
        Sid       = "CeremonyStoresAndReads"
        Effect    = "Allow"
        Principal = { AWS = local.ceremony_role_arn }
        Action    = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"]
        Resource  = "*"
        Condition = { StringLike = { "kms:ViaService" = ["secretsmanager.*.amazonaws.com", "ssm.*.amazonaws.com"] } }
      },
      {
        Sid       = "NobodyElseReads"
        Effect    = "Deny"
        Principal = { AWS = "*" }
        Action    = "kms:Decrypt"
        Resource  = "*"
        Condition = { ArnNotEquals = { "aws:PrincipalArn" = local.ceremony_role_arn } }
      },
      local.no_hurried_deletion,
    ]
  })

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_kms_alias" "storage" {
  count = var.stores_keys ? 1 : 0

  name          = "alias/${var.organization}-ca-storage"
  target_key_id = aws_kms_key.storage[0].key_id
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
