locals {
  # From names, so that policies are known at plan time and can be judged there.
  table_name      = "${var.name_prefix}-registry"
  table_arn       = "arn:aws:dynamodb:${var.region}:${var.account_id}:table/${local.table_name}"
  table_resources = concat([local.table_arn], [for index in ["by-client-id", "by-serial-number"] : "${local.table_arn}/index/${index}"])

  role_arns = { for role in ["writer", "reader"] : role => "arn:aws:iam::${var.account_id}:role/${var.name_prefix}-pki-${role}" }

  # The account is the principal and a condition names its roles. Named as principals they would have to exist: IAM
  # refuses a policy with one that does not, and puts a role's unique id in place of its name, so that a role made
  # again is a stranger. A condition's value is only compared, when somebody comes: a role that does not exist yet
  # does no harm. aws:PrincipalArn is the ARN of the role, whatever its session is called. Naming the account grants
  # nothing by itself: across accounts, a caller's own policy must allow sts:AssumeRole as well.
  # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
  # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn
  trust_policies = {
    for role, callers in { writer = var.writer_callers, reader = var.reader_callers } : role => jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Sid       = "ListedRolesOnly"
        Effect    = "Allow"
        Principal = { AWS = [for account in sort(distinct([for arn in callers : split(":", arn)[4]])) : "arn:aws:iam::${account}:root"] }
        Action    = "sts:AssumeRole"
        Condition = { ArnEquals = { "aws:PrincipalArn" = sort(callers) } }
      }]
    })
  }
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
# Writer role: the narrow way into this environment for whoever issues and revokes
################################################################################

resource "aws_iam_role" "writer" {
  name                 = "${var.name_prefix}-pki-writer"
  description          = "Writes the registry and the truststore of ${var.name_prefix}, for the certificate authority"
  assume_role_policy   = local.trust_policies["writer"]
  permissions_boundary = var.permissions_boundary_arn
  max_session_duration = 3600
}

resource "aws_iam_role_policy" "writer" {
  name = "write-registry-and-truststore"
  role = aws_iam_role.writer.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # Records are written and revoked, never deleted. A transaction asks for the rights of its parts.
        # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
        Sid    = "Registry"
        Effect = "Allow"
        Action = [
          "dynamodb:BatchGetItem",
          "dynamodb:ConditionCheckItem",
          "dynamodb:GetItem",
          "dynamodb:PutItem",
          "dynamodb:Query",
          "dynamodb:Scan",
          "dynamodb:UpdateItem",
        ]
        Resource = local.table_resources
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
        # Which truststore version the domain has pinned decides which CA may issue. API Gateway's ARNs have no account.
        Sid      = "PinnedTruststore"
        Effect   = "Allow"
        Action   = "apigateway:GET"
        Resource = "arn:aws:apigateway:${var.region}::/domainnames/*"
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

################################################################################
# Reader role: what calls are judged by and nothing else, for whoever only tells of it
################################################################################

resource "aws_iam_role" "reader" {
  name                 = "${var.name_prefix}-pki-reader"
  description          = "Reads what calls to ${var.name_prefix} are judged by, for revocation lists, reports and diagnosis"
  assume_role_policy   = local.trust_policies["reader"]
  permissions_boundary = var.permissions_boundary_arn
  max_session_duration = 3600
}

resource "aws_iam_role_policy" "reader" {
  name = "read-registry"
  role = aws_iam_role.reader.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Registry"
        Effect   = "Allow"
        Action   = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan"]
        Resource = local.table_resources
      },
      {
        # What a call is judged by, so that a refusal can be explained: none of it is secret.
        Sid      = "TruststoreObjects"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:GetObjectVersion"]
        Resource = "${var.truststore_bucket_arn}/*"
      },
      {
        Sid      = "TruststoreVersions"
        Effect   = "Allow"
        Action   = ["s3:GetBucketVersioning", "s3:ListBucket", "s3:ListBucketVersions"]
        Resource = var.truststore_bucket_arn
      },
      {
        Sid      = "PinnedTruststore"
        Effect   = "Allow"
        Action   = "apigateway:GET"
        Resource = "arn:aws:apigateway:${var.region}::/domainnames/*"
      },
      {
        Sid      = "AuthorizerSettings"
        Effect   = "Allow"
        Action   = "lambda:GetFunctionConfiguration"
        Resource = "arn:aws:lambda:${var.region}:${var.account_id}:function:${var.name_prefix}-authorizer"
      },
    ]
  })
}

# The writer was the only role once.
moved {
  from = aws_iam_role.this
  to   = aws_iam_role.writer
}

moved {
  from = aws_iam_role_policy.this
  to   = aws_iam_role_policy.writer
}
