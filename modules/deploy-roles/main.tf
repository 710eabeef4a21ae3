locals {
  # From names, so that policies are known at plan time and can be judged there.
  iam_arn          = "arn:aws:iam::${var.account_id}"
  state_bucket_arn = "arn:aws:s3:::${var.state_bucket_name}"
  plan_bucket_arn  = "arn:aws:s3:::${var.plan_bucket_name}"
  boundary_name    = "${var.organization}-boundary"
  boundary_arn     = "${local.iam_arn}:policy/${local.boundary_name}"
}

################################################################################
# GitHub's OIDC provider
################################################################################

locals {
  github_host         = "token.actions.githubusercontent.com"
  github_provider_arn = "${local.iam_arn}:oidc-provider/${local.github_host}"

  github_owner = split("/", var.github_repository)[0]
  github_name  = split("/", var.github_repository)[1]

  # A subject with ids survives neither a renamed nor a re-registered owner, which is its point.
  # https://docs.github.com/en/actions/reference/security/oidc
  github_subject = (
    var.github_repository_ids == null
    ? "repo:${var.github_repository}"
    : "repo:${local.github_owner}@${var.github_repository_ids.owner}/${local.github_name}@${var.github_repository_ids.repository}"
  )
}

# No thumbprint: AWS trusts GitHub's certificate by its CA.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc_verify-thumbprint.html
resource "aws_iam_openid_connect_provider" "this" {
  count = var.create_oidc_provider ? 1 : 0

  url            = "https://${local.github_host}"
  client_id_list = ["sts.amazonaws.com"]
}

################################################################################
# Trust
################################################################################

locals {
  # Any job of the repository may plan. A fork's pull request gets no OIDC token from GitHub.
  plan_trust = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid       = "GitHub"
        Effect    = "Allow"
        Principal = { Federated = local.github_provider_arn }
        Action    = "sts:AssumeRoleWithWebIdentity"
        Condition = {
          StringEquals = { "${local.github_host}:aud" = "sts.amazonaws.com" }
          StringLike   = { "${local.github_host}:sub" = "${local.github_subject}:*" }
        }
      }],
      local.people_trust,
    )
  })

  apply_trust = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [local.guarded_trust["apply"]],
      local.people_trust,
    )
  })

  people_trust = [for arns in [sort(distinct(var.trusted_principal_arns))] : {
    Sid       = "TrustedPrincipals"
    Effect    = "Allow"
    Principal = { AWS = arns }
    Action    = "sts:AssumeRole"
  } if length(arns) > 0]

  # The environment holds the approval, but a pull request can edit the workflow that names it: the file is
  # pinned as well, at main.
  guarded_jobs = {
    apply = {
      environments = length(var.github_environments) > 0 ? var.github_environments : [var.account_name]
      workflow     = var.apply_workflow
    }
    ceremony = {
      environments = [try(var.ceremony.github_environment, "")]
      workflow     = try(var.ceremony.workflow, "")
    }
  }
  guarded_trust = { for role, job in local.guarded_jobs : role => {
    Sid       = "GitHub"
    Effect    = "Allow"
    Principal = { Federated = local.github_provider_arn }
    Action    = "sts:AssumeRoleWithWebIdentity"
    Condition = { StringEquals = {
      "${local.github_host}:aud"              = "sts.amazonaws.com"
      "${local.github_host}:sub"              = [for name in sort(distinct(job.environments)) : "${local.github_subject}:environment:${name}"]
      "${local.github_host}:job_workflow_ref" = "${var.github_repository}/${job.workflow}@refs/heads/main"
    } }
  } }
}

################################################################################
# Plan role: reads what the platform uses, and no secret; writes plans that it cannot read
################################################################################

resource "aws_iam_role" "plan" {
  name                 = "${var.organization}-plan"
  description          = "Reads ${var.account_name} to plan changes"
  assume_role_policy   = local.plan_trust
  max_session_duration = 3600

  depends_on = [aws_iam_openid_connect_provider.this]
}

resource "aws_iam_policy" "read" {
  name        = "${var.organization}-plan-read"
  description = "Reads the state and the settings of what the platform uses, without data and secrets"
  policy      = local.read_policy
}

resource "aws_iam_role_policy_attachment" "plan" {
  role       = aws_iam_role.plan.name
  policy_arn = aws_iam_policy.read.arn
}

resource "aws_iam_role_policy" "plan" {
  name   = "lock-and-no-secrets"
  role   = aws_iam_role.plan.name
  policy = local.plan_policy
}

################################################################################
# Apply role: writes what the platform uses
################################################################################

resource "aws_iam_role" "apply" {
  name                 = "${var.organization}-apply"
  description          = "Applies approved changes to ${var.account_name}"
  assume_role_policy   = local.apply_trust
  max_session_duration = 3600

  depends_on = [aws_iam_openid_connect_provider.this]
}

# Several, because a managed policy holds 6,144 characters.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
resource "aws_iam_policy" "apply" {
  for_each = local.apply_policies

  name        = "${var.organization}-apply-${each.key}"
  description = each.value.description
  policy      = each.value.policy
}

resource "aws_iam_role_policy_attachment" "apply" {
  for_each = merge(
    { read = aws_iam_policy.read.arn },
    { for name, policy in aws_iam_policy.apply : name => policy.arn },
  )

  role       = aws_iam_role.apply.name
  policy_arn = each.value
}

################################################################################
# Boundary: the most that a role made by the apply role can ever do
################################################################################

resource "aws_iam_policy" "boundary" {
  name        = local.boundary_name
  description = "The most that a role of the platform may do; the apply role can make no role without it"
  policy      = local.boundary_policy
}

################################################################################
# Ceremony role: alone signs, alone writes CA certificates (security account)
################################################################################

resource "aws_iam_role" "ceremony" {
  count = var.ceremony == null ? 0 : 1

  name                 = "${var.organization}-ceremony"
  description          = "Signs with the CA keys and writes each environment's registry through its pki-writer role"
  max_session_duration = 3600

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [local.guarded_trust["ceremony"]],
      [for arns in [sort(distinct(var.ceremony.trusted_principal_arns))] : {
        Sid       = "TrustedPrincipals"
        Effect    = "Allow"
        Principal = { AWS = arns }
        Action    = "sts:AssumeRole"
      } if length(arns) > 0],
    )
  })

  depends_on = [aws_iam_openid_connect_provider.this]
}

resource "aws_iam_role_policy" "ceremony" {
  count = var.ceremony == null ? 0 : 1

  name = "sign-and-publish"
  role = aws_iam_role.ceremony[0].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          # A key is found by its alias: its id is not known here, and the same tag or name could be on another.
          # https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html
          Sid       = "CaKeys"
          Effect    = "Allow"
          Action    = ["kms:DescribeKey", "kms:GetPublicKey", "kms:Sign", "kms:Verify"]
          Resource  = "arn:aws:kms:${var.region}:${var.account_id}:key/*"
          Condition = { "ForAnyValue:StringLike" = { "kms:ResourceAliases" = ["alias/${var.organization}-root-ca-*", "alias/${var.organization}-*-issuing-ca-*", "alias/${var.organization}-transcript"] } }
        },
        {
          # Enabled before, disabled after.
          Sid       = "RootKeys"
          Effect    = "Allow"
          Action    = ["kms:DisableKey", "kms:EnableKey"]
          Resource  = "arn:aws:kms:${var.region}:${var.account_id}:key/*"
          Condition = { "ForAnyValue:StringLike" = { "kms:ResourceAliases" = "alias/${var.organization}-root-ca-*" } }
        },
        {
          # Where an organization keeps CA keys as encrypted PEM: made once, and read.
          Sid    = "StoredKeys"
          Effect = "Allow"
          Action = ["secretsmanager:CreateSecret", "secretsmanager:GetSecretValue", "ssm:GetParameter", "ssm:PutParameter"]
          Resource = [
            "arn:aws:ssm:${var.region}:${var.account_id}:parameter/${var.organization}/ca/*",
            "arn:aws:secretsmanager:${var.region}:${var.account_id}:secret:/${var.organization}/ca/*",
          ]
        },
        {
          Sid       = "StorageKey"
          Effect    = "Allow"
          Action    = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"]
          Resource  = "arn:aws:kms:${var.region}:${var.account_id}:key/*"
          Condition = { "ForAnyValue:StringLike" = { "kms:ResourceAliases" = "alias/${var.organization}-ca-storage" } }
        },
        {
          # Without the second, S3 leaves an entry's lock out of its answer.
          Sid      = "Transcripts"
          Effect   = "Allow"
          Action   = ["s3:GetObject", "s3:GetObjectRetention", "s3:PutObject"]
          Resource = "arn:aws:s3:::${var.organization}-ceremony-log-${var.account_id}/*"
        },
        {
          Sid    = "TranscriptAndTrailLists"
          Effect = "Allow"
          Action = "s3:ListBucket"
          Resource = [
            "arn:aws:s3:::${var.organization}-ceremony-log-${var.account_id}",
            "arn:aws:s3:::${var.organization}-cloudtrail-${var.account_id}",
          ]
        },
        {
          # What a transcript is held against.
          Sid      = "Trail"
          Effect   = "Allow"
          Action   = "s3:GetObject"
          Resource = "arn:aws:s3:::${var.organization}-cloudtrail-${var.account_id}/*"
        },
        {
          # CloudTrail's own record of the last 90 days takes no resource.
          # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudtrail.html
          Sid      = "TrailLookup"
          Effect   = "Allow"
          Action   = "cloudtrail:LookupEvents"
          Resource = "*"
        },
        {
          # Each version of a list was signed, and is accounted for.
          Sid      = "RevocationLists"
          Effect   = "Allow"
          Action   = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]
          Resource = "arn:aws:s3:::${var.organization}-crl-${var.account_id}/*"
        },
        {
          Sid      = "RevocationListList"
          Effect   = "Allow"
          Action   = ["s3:ListBucket", "s3:ListBucketVersions"]
          Resource = "arn:aws:s3:::${var.organization}-crl-${var.account_id}"
        },
        {
          Sid      = "CaCertificates"
          Effect   = "Allow"
          Action   = ["s3:GetObject", "s3:PutObject"]
          Resource = "arn:aws:s3:::${var.ceremony.ca_bucket_name}/*"
        },
        {
          # Without it S3 answers 403 instead of 404 for a certificate that is not there yet.
          Sid      = "CaCertificateList"
          Effect   = "Allow"
          Action   = "s3:ListBucket"
          Resource = "arn:aws:s3:::${var.ceremony.ca_bucket_name}"
        },
      ],
      [for arns in [sort(distinct(concat(var.ceremony.pki_writer_role_arns, var.ceremony.pki_reader_role_arns)))] : {
        Sid      = "EnvironmentRegistries"
        Effect   = "Allow"
        Action   = "sts:AssumeRole"
        Resource = arns
      } if length(arns) > 0],
    )
  })
}
