locals {
  # From names, so that policies are known at plan time and can be judged there.
  table_name       = "${var.name_prefix}-registry"
  table_arn        = "arn:aws:dynamodb:${var.region}:${var.account_id}:table/${local.table_name}"
  writer_role_name = "${var.name_prefix}-pki-writer"
  writer_role_arn  = "arn:aws:iam::${var.account_id}:role/${local.writer_role_name}"
}

################################################################################
# Registry
################################################################################

# The schema is that of the Python package `clientcert`. There is no TTL: a revoked certificate stays known as
# revoked, and an absent one is refused anyway.
resource "aws_dynamodb_table" "this" {
  #checkov:skip=CKV_AWS_119: the records hold no secret, and the AWS-managed key leaves the same trail in CloudTrail without kms rights in every reader's role
  name         = local.table_name
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "fingerprint"

  attribute {
    name = "fingerprint"
    type = "S"
  }

  attribute {
    name = "client_id"
    type = "S"
  }

  attribute {
    name = "issued_at"
    type = "S"
  }

  attribute {
    name = "serial_number"
    type = "S"
  }

  attribute {
    name = "public_key_sha256"
    type = "S"
  }

  global_secondary_index {
    name            = "by-client-id"
    hash_key        = "client_id"
    range_key       = "issued_at"
    projection_type = "ALL"
  }

  global_secondary_index {
    name            = "by-serial-number"
    hash_key        = "serial_number"
    projection_type = "ALL"
  }

  # A key is certified once: who had it is looked up before it is certified again.
  global_secondary_index {
    name            = "by-public-key"
    hash_key        = "public_key_sha256"
    projection_type = "KEYS_ONLY"
  }

  point_in_time_recovery {
    enabled = true
  }

  # Off would mean a key that AWS owns, on means the AWS-managed key: a table is always encrypted.
  # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.howitworks.html
  server_side_encryption {
    enabled = true
  }

  deletion_protection_enabled = true

  lifecycle {
    prevent_destroy = true
  }
}

################################################################################
# Writer role: the ceremony's narrow way into this environment
################################################################################

resource "aws_iam_role" "this" {
  name                 = local.writer_role_name
  description          = "Writes the registry and the truststore of ${var.name_prefix} during a ceremony"
  permissions_boundary = var.permissions_boundary_arn
  max_session_duration = 3600

  # IAM refuses a principal that does not exist, and keeps its unique id: a ceremony role made again is not
  # trusted until this is applied again.
  # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "CeremonyOnly"
      Effect    = "Allow"
      Principal = { AWS = var.ceremony_role_arn }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  name = "write-registry-and-truststore"
  role = aws_iam_role.this.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # Records are written and revoked, never deleted.
        Sid      = "Registry"
        Effect   = "Allow"
        Action   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:Query"]
        Resource = concat([local.table_arn], [for index in ["by-client-id", "by-public-key", "by-serial-number"] : "${local.table_arn}/index/${index}"])
      },
      {
        Sid      = "TruststoreObjects"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]
        Resource = "${var.truststore_bucket_arn}/*"
      },
      {
        Sid      = "TruststoreVersions"
        Effect   = "Allow"
        Action   = ["s3:GetBucketVersioning", "s3:ListBucket", "s3:ListBucketVersions"]
        Resource = var.truststore_bucket_arn
      },
      {
        Sid      = "EnvironmentFacts"
        Effect   = "Allow"
        Action   = "ssm:GetParameter"
        Resource = "arn:aws:ssm:${var.region}:${var.account_id}:parameter${var.parameter_path}/*"
      },
    ]
  })
}
