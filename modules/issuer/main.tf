locals {
  function_name = "${var.name_prefix}-issuer"

  # From names, so that policies are known at plan time and can be judged there.
  function_arn    = "arn:aws:lambda:${var.region}:${var.account_id}:function:${local.function_name}"
  bucket_arn      = "arn:aws:s3:::${var.organization}-ca-${var.account_id}"
  writer_role_arn = "arn:aws:iam::${var.workload.account_id}:role/${var.name_prefix}-pki-writer"
  asker_role_arn  = "arn:aws:iam::${var.workload.account_id}:role/${var.name_prefix}-est"
}

################################################################################
# Function: judges a renewal, signs, registers
################################################################################

module "function" {
  source = "../function"

  name        = local.function_name
  description = "Renews certificates of ${var.name_prefix} that devices present, as the policy allows"
  package     = var.package
  handler     = "mtls_issuer.handler.handler"

  memory_mb = var.memory_mb
  # Shorter than `est` waits for it, which answers within API Gateway's 30 s.
  timeout_seconds      = 20
  reserved_concurrency = var.reserved_concurrency

  environment = {
    POWERTOOLS_SERVICE_NAME      = "issuer"
    POWERTOOLS_METRICS_NAMESPACE = "mtls-api"
    LOG_LEVEL                    = var.log_level
    ENVIRONMENT                  = var.environment
    ORGANIZATION                 = var.organization
    DOMAIN                       = var.domain
    SECURITY_ACCOUNT_ID          = var.account_id
    WORKLOAD_ACCOUNT_ID          = var.workload.account_id
    WORKLOAD_ACCOUNT_NAME        = var.workload.account_name
    WORKLOAD_REGION              = var.workload.region
    RENEWAL_POLICY               = jsonencode(var.renewal_policy)
  }

  policy_statements = [
    {
      sid       = "ReadCaCertificates"
      actions   = ["s3:GetObject"]
      resources = ["${local.bucket_arn}/issuing/${var.environment}/*", "${local.bucket_arn}/root/*"]
    },
    {
      sid       = "ListCaCertificates"
      actions   = ["s3:ListBucket"]
      resources = [local.bucket_arn]
    },
    {
      sid       = "WriteRegistry"
      actions   = ["sts:AssumeRole"]
      resources = [local.writer_role_arn]
    },
  ]

  log_retention_days       = var.log_retention_days
  log_kms_key_arn          = var.log_kms_key_arn
  permissions_boundary_arn = var.permissions_boundary_arn
}

# By alias, so that a new generation of the CA needs no change here. The keys' own policies must allow it as well (module `pki`).
resource "aws_iam_role_policy" "sign" {
  name = "sign"
  role = local.function_name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "SignWithIssuingKeys"
      Effect    = "Allow"
      Action    = ["kms:GetPublicKey", "kms:Sign"]
      Resource  = "arn:aws:kms:${var.region}:${var.account_id}:key/*"
      Condition = { "ForAnyValue:StringLike" = { "kms:ResourceAliases" = "alias/${var.name_prefix}-issuing-ca-*" } }
    }]
  })

  depends_on = [module.function]
}

################################################################################
# Invoker role: the way in for the workload account's function `est`
################################################################################

# The account is the principal and a condition names its one role, which may come later than this.
resource "aws_iam_role" "invoker" {
  name        = "${local.function_name}-invoker"
  description = "Asks ${local.function_name} for renewals, for ${var.name_prefix}-est"

  permissions_boundary = var.permissions_boundary_arn
  max_session_duration = 3600

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "EstOnly"
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::${var.workload.account_id}:root" }
      Action    = "sts:AssumeRole"
      Condition = { ArnEquals = { "aws:PrincipalArn" = local.asker_role_arn } }
    }]
  })
}

resource "aws_iam_role_policy" "invoker" {
  name = "ask-for-renewals"
  role = aws_iam_role.invoker.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "InvokeIssuer"
      Effect   = "Allow"
      Action   = "lambda:InvokeFunction"
      Resource = local.function_arn
    }]
  })
}
