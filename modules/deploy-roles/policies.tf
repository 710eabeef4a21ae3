# What the roles may do. Nothing here names an action with a bare `*`: a service that the platform starts to
# use is added in this file, by a pull request that an administrator applies.

locals {
  # Names by service. Where an ARN carries no name (an API's id, a user pool's, a key's), region and account
  # are the limit.
  prefix = var.organization
  within = "${var.region}:${var.account_id}"
  names = {
    buckets      = "arn:aws:s3:::${local.prefix}-*"
    truststores  = "arn:aws:s3:::${local.prefix}-*-truststore-*"
    tables       = "arn:aws:dynamodb:${local.within}:table/${local.prefix}-*"
    functions    = "arn:aws:lambda:${local.within}:function:${local.prefix}-*"
    log_groups   = "arn:aws:logs:${local.within}:log-group:/aws/*/${local.prefix}-*"
    parameters   = "arn:aws:ssm:${local.within}:parameter/${local.prefix}/*"
    secrets      = "arn:aws:secretsmanager:${local.within}:secret:${local.prefix}-*"
    stacks       = "arn:aws:cloudformation:${local.within}:stack/${local.prefix}-*/*"
    alarms       = "arn:aws:cloudwatch:${local.within}:alarm:${local.prefix}-*"
    topics       = "arn:aws:sns:${local.within}:${local.prefix}-*"
    rules        = "arn:aws:events:${local.within}:rule/${local.prefix}-*"
    schedules    = "arn:aws:scheduler:${local.within}:schedule/*/${local.prefix}-*"
    trails       = "arn:aws:cloudtrail:${local.within}:trail/${local.prefix}-*"
    images       = "arn:aws:ecr:${local.within}:repository/${local.prefix}-*"
    roles        = "${local.iam_arn}:role/${local.prefix}-*"
    policies     = "${local.iam_arn}:policy/${local.prefix}-*"
    keys         = "arn:aws:kms:${local.within}:key/*"
    aliases      = "arn:aws:kms:${local.within}:alias/${local.prefix}-*"
    user_pools   = "arn:aws:cognito-idp:${local.within}:userpool/*"
    certificates = "arn:aws:acm:${local.within}:certificate/*"
    # HTTP APIs and custom domains: not /apikeys, whose answer is the key.
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-permissions-reference.html
    apis = [for path in ["apis", "apis/*", "domainnames", "domainnames/*", "tags/*"] : "arn:aws:apigateway:${var.region}::/${path}"]
  }

  through_cloudformation = "cloudformation.amazonaws.com"

  # A key is found by its alias: its id is not known here.
  # https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html
  plan_key_alias      = "alias/${local.prefix}-plans"
  is_plan_key         = { "ForAnyValue:StringEquals" = { "kms:ResourceAliases" = local.plan_key_alias } }
  plan_key_through_s3 = merge(local.is_plan_key, { StringEquals = { "kms:ViaService" = "s3.${var.region}.amazonaws.com" } })
}

################################################################################
# Plan
################################################################################

locals {
  read_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "State"
        Effect   = "Allow"
        Action   = "s3:GetObject"
        Resource = "${local.state_bucket_arn}/*"
      },
      {
        Sid    = "Buckets"
        Effect = "Allow"
        Action = [
          "s3:GetAccelerateConfiguration",
          "s3:GetBucket*",
          "s3:GetEncryptionConfiguration",
          "s3:GetLifecycleConfiguration",
          "s3:GetReplicationConfiguration",
          "s3:ListBucket",
        ]
        Resource = distinct([local.state_bucket_arn, local.names.buckets])
      },
      {
        Sid    = "ByName"
        Effect = "Allow"
        Action = [
          "cloudformation:DescribeStack*",
          "cloudformation:GetStackPolicy",
          "cloudformation:GetTemplate",
          "cloudformation:ListStackResources",
          "cloudtrail:GetEventSelectors",
          "cloudtrail:GetTrail*",
          "cloudtrail:ListTags",
          "cloudwatch:ListTagsForResource",
          "dynamodb:Describe*",
          "dynamodb:ListTagsOfResource",
          "ecr:DescribeImages",
          "ecr:DescribeRepositories",
          "ecr:GetLifecyclePolicy",
          "ecr:GetRepositoryPolicy",
          "ecr:ListTagsForResource",
          "events:DescribeRule",
          "events:ListTagsForResource",
          "events:ListTargetsByRule",
          "iam:GetOpenIDConnectProvider",
          "iam:GetPolicy",
          "iam:GetPolicyVersion",
          "iam:GetRole",
          "iam:GetRolePolicy",
          "iam:ListAttachedRolePolicies",
          "iam:ListInstanceProfilesForRole",
          "iam:ListPolicyTags",
          "iam:ListPolicyVersions",
          "iam:ListRolePolicies",
          "iam:ListRoleTags",
          "lambda:GetAlias",
          "lambda:GetFunction*",
          "lambda:GetPolicy",
          "lambda:ListAliases",
          "lambda:ListTags",
          "lambda:ListVersionsByFunction",
          "logs:ListTagsForResource",
          "scheduler:GetSchedule",
          "secretsmanager:DescribeSecret",
          "secretsmanager:GetResourcePolicy",
          "sns:GetTopicAttributes",
          "sns:ListSubscriptionsByTopic",
          "sns:ListTagsForResource",
          "ssm:GetParameter",
          "ssm:GetParameters",
          "ssm:ListTagsForResource",
        ]
        Resource = [
          local.names.stacks,
          local.names.alarms,
          local.names.tables,
          local.names.images,
          local.github_provider_arn,
          local.names.roles,
          local.names.policies,
          local.names.functions,
          local.names.log_groups,
          local.names.rules,
          local.names.schedules,
          local.names.secrets,
          local.names.topics,
          local.names.trails,
          local.names.parameters,
        ]
      },
      {
        Sid      = "Apis"
        Effect   = "Allow"
        Action   = "apigateway:GET"
        Resource = local.names.apis
      },
      {
        # Things without a name in their ARN, and searches by name, which IAM judges against all of the kind.
        Sid    = "ById"
        Effect = "Allow"
        Action = [
          "acm:DescribeCertificate",
          "acm:ListTagsForCertificate",
          "cloudwatch:DescribeAlarms",
          "cognito-idp:DescribeResourceServer",
          "cognito-idp:DescribeUserPool",
          "cognito-idp:GetUserPoolMfaConfig",
          "cognito-idp:ListResourceServers",
          "cognito-idp:ListTagsForResource",
          "kms:DescribeKey",
          "kms:GetKeyPolicy",
          "kms:GetKeyRotationStatus",
          "kms:GetPublicKey",
          "kms:ListResourceTags",
          "logs:DescribeLogGroups",
          "route53:GetChange",
          "route53:GetHealthCheck",
          "route53:GetHostedZone",
          "route53:ListResourceRecordSets",
          "route53:ListTagsForResource",
        ]
        Resource = [
          local.names.certificates,
          local.names.user_pools,
          local.names.keys,
          "arn:aws:cloudwatch:${local.within}:alarm:*",
          "arn:aws:logs:${local.within}:log-group:*",
          "arn:aws:route53:::change/*",
          "arn:aws:route53:::healthcheck/*",
          "arn:aws:route53:::hostedzone/*",
        ]
      },
      {
        # Lists, which take no resource.
        Sid    = "Lists"
        Effect = "Allow"
        Action = [
          "acm:ListCertificates",
          "cloudtrail:DescribeTrails",
          "cognito-idp:DescribeUserPoolDomain",
          "iam:ListOpenIDConnectProviders",
          "kms:ListAliases",
          "logs:DescribeResourcePolicies",
          "route53:ListHostedZones",
          "route53:ListHostedZonesByName",
          "sns:GetSubscriptionAttributes",
          "ssm:DescribeParameters",
        ]
        Resource = "*"
      },
    ]
  })

  plan_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # Native locking writes and removes an object even for a plan; the state beside it stays out of reach.
        # https://developer.hashicorp.com/terraform/language/backend/s3#permissions-required
        Sid      = "StateLock"
        Effect   = "Allow"
        Action   = ["s3:PutObject", "s3:DeleteObject"]
        Resource = "${local.state_bucket_arn}/*.tflock"
      },
      {
        # Once each, and no more than that: the bucket refuses as well, and to read is denied below.
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
        Sid       = "Plans"
        Effect    = "Allow"
        Action    = "s3:PutObject"
        Resource  = "${local.plan_bucket_arn}/plans/*"
        Condition = { Null = { "s3:if-none-match" = "false" } }
      },
      {
        # To encrypt is one right and to decrypt another.
        Sid       = "PlanKey"
        Effect    = "Allow"
        Action    = "kms:GenerateDataKey"
        Resource  = local.names.keys
        Condition = local.plan_key_through_s3
      },
      {
        # Denied rather than left out, so that a policy attached later opens nothing. A SecureString is
        # covered by kms:Decrypt; DescribeUserPoolClient answers with the client's secret.
        Sid    = "NoSecrets"
        Effect = "Deny"
        Action = [
          "cognito-idp:DescribeUserPoolClient",
          "kms:Decrypt",
          "kms:GenerateMac",
          "kms:ReEncrypt*",
          "kms:Sign",
          "secretsmanager:BatchGetSecretValue",
          "secretsmanager:GetSecretValue",
        ]
        Resource = "*"
      },
      {
        Sid         = "NoObjectsButState"
        Effect      = "Deny"
        Action      = ["s3:GetObject", "s3:GetObjectVersion"]
        NotResource = "${local.state_bucket_arn}/*"
      },
      {
        Sid    = "NoRecords"
        Effect = "Deny"
        Action = [
          "dynamodb:BatchGetItem",
          "dynamodb:GetItem",
          "dynamodb:PartiQLSelect",
          "dynamodb:Query",
          "dynamodb:Scan",
          "logs:FilterLogEvents",
          "logs:GetLogEvents",
          "logs:StartQuery",
        ]
        Resource = "*"
      },
    ]
  })
}

################################################################################
# Apply
################################################################################

locals {
  # Where the CA is, nothing runs that needs watching, and the CA's own alarm is not the pipeline's to change.
  apply_policies = merge(
    local.apply_policies_everywhere,
    { for policy in [local.apply_ca_policy] : "ca" => {
      description = "Keeps the pipeline from what signs: the CA's keys, buckets, functions and roles"
      policy      = policy
    } if var.ceremony != null },
    { for policy in [local.apply_watch_policy] : "watch" => {
      description = "Writes the platform's schedules, rules and topics"
      policy      = policy
    } if var.ceremony == null },
  )
  apply_policies_everywhere = {
    data = {
      description = "Writes state and the platform's buckets, tables, parameters, secrets and keys"
      policy      = local.apply_data_policy
    }
    api = {
      description = "Writes the platform's functions, APIs, domains, user pools, logs and alarms"
      policy      = local.apply_api_policy
    }
    identity = {
      description = "Writes the platform's roles within their boundary, and none of the deploy roles"
      policy      = local.apply_identity_policy
    }
    plans = {
      description = "Reads reviewed plans and keeps the journal; keeps the pipeline from what an administrator applies"
      policy      = local.apply_plans_policy
    }
  }

  # Where the CA is, an administrator alone makes keys: who can write a key's policy can sign, and KMS lets nobody make
  # a key who could not write its policy.
  # https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
  apply_key_statements = concat(
    [for statement in [
      {
        Sid      = "NewKeys"
        Effect   = "Allow"
        Action   = ["kms:CreateKey"]
        Resource = ["*"]
      },
      {
        Sid    = "Keys"
        Effect = "Allow"
        Action = [
          "kms:CreateAlias",
          "kms:DeleteAlias",
          "kms:EnableKeyRotation",
          "kms:PutKeyPolicy",
          "kms:TagResource",
          "kms:UntagResource",
          "kms:UpdateAlias",
          "kms:UpdateKeyDescription",
        ]
        Resource = [local.names.keys, local.names.aliases]
      },
    ] : statement if var.ceremony == null],
  )

  # Buckets, tables, keys and zones can be made and changed, not deleted: what cannot be made again is for an
  # administrator to remove.
  apply_data_policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.apply_key_statements, [
      {
        Sid      = "State"
        Effect   = "Allow"
        Action   = "s3:PutObject"
        Resource = "${local.state_bucket_arn}/*"
      },
      {
        Sid      = "StateLock"
        Effect   = "Allow"
        Action   = "s3:DeleteObject"
        Resource = "${local.state_bucket_arn}/*.tflock"
      },
      {
        Sid      = "Buckets"
        Effect   = "Allow"
        Action   = ["s3:CreateBucket", "s3:PutBucket*", "s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration"]
        Resource = local.names.buckets
      },
      {
        # API Gateway reads the bundle with the rights of whoever updates the domain.
        # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-mutual-tls.html
        Sid      = "Truststores"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:GetObjectVersion"]
        Resource = "${local.names.truststores}/*"
      },
      {
        Sid    = "Tables"
        Effect = "Allow"
        Action = [
          "dynamodb:CreateTable",
          "dynamodb:TagResource",
          "dynamodb:UntagResource",
          "dynamodb:UpdateContinuousBackups",
          "dynamodb:UpdateTable",
        ]
        Resource = local.names.tables
      },
      {
        Sid    = "Parameters"
        Effect = "Allow"
        Action = [
          "ssm:AddTagsToResource",
          "ssm:DeleteParameter",
          "ssm:PutParameter",
          "ssm:RemoveTagsFromResource",
        ]
        Resource = local.names.parameters
      },
      {
        Sid    = "Secrets"
        Effect = "Allow"
        Action = [
          "secretsmanager:CreateSecret",
          "secretsmanager:DeleteSecret",
          "secretsmanager:PutSecretValue",
          "secretsmanager:TagResource",
          "secretsmanager:UntagResource",
          "secretsmanager:UpdateSecret",
        ]
        Resource = local.names.secrets
      },
      {
        Sid      = "NoUseOfKeys"
        Effect   = "Deny"
        Action   = ["kms:GenerateMac", "kms:Sign", "kms:VerifyMac"]
        Resource = "*"
      },
      {
        Sid       = "NoSecureStrings"
        Effect    = "Deny"
        Action    = "kms:Decrypt"
        Resource  = "*"
        Condition = { StringEquals = { "kms:ViaService" = "ssm.${var.region}.amazonaws.com" } }
      },
      {
        # CloudFormation hands an app client's secret from Cognito to Secrets Manager with the caller's rights;
        # the caller itself never sees it. ForAllValues is true when the key is missing, which is what a direct
        # call looks like.
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-calledvia
        Sid    = "NoSecretValues"
        Effect = "Deny"
        Action = [
          "cognito-idp:DescribeUserPoolClient",
          "secretsmanager:BatchGetSecretValue",
          "secretsmanager:GetSecretValue",
        ]
        Resource  = "*"
        Condition = { "ForAllValues:StringNotEquals" = { "aws:CalledVia" = [local.through_cloudformation] } }
      },
    ])
  })

  apply_api_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "Functions"
        Effect = "Allow"
        Action = [
          "lambda:AddPermission",
          "lambda:CreateAlias",
          "lambda:CreateFunction",
          "lambda:DeleteAlias",
          "lambda:DeleteFunction",
          "lambda:DeleteFunctionConcurrency",
          "lambda:PublishVersion",
          "lambda:PutFunctionConcurrency",
          "lambda:RemovePermission",
          "lambda:TagResource",
          "lambda:UntagResource",
          "lambda:UpdateAlias",
          "lambda:UpdateFunctionCode",
          "lambda:UpdateFunctionConfiguration",
        ]
        Resource = [local.names.functions]
      },
      {
        # Lambda fetches a function's image with the rights of whoever makes the function.
        # https://docs.aws.amazon.com/lambda/latest/dg/images-create.html#configuration-images-permissions
        Sid    = "Images"
        Effect = "Allow"
        Action = [
          "ecr:BatchGetImage",
          "ecr:CreateRepository",
          "ecr:GetDownloadUrlForLayer",
          "ecr:PutImageScanningConfiguration",
          "ecr:PutImageTagMutability",
          "ecr:PutLifecyclePolicy",
          "ecr:SetRepositoryPolicy",
          "ecr:TagResource",
          "ecr:UntagResource",
        ]
        Resource = local.names.images
      },
      {
        Sid    = "LogGroups"
        Effect = "Allow"
        Action = [
          "logs:AssociateKmsKey",
          "logs:CreateLogGroup",
          "logs:DeleteLogGroup",
          "logs:DisassociateKmsKey",
          "logs:PutRetentionPolicy",
          "logs:TagResource",
          "logs:UntagResource",
        ]
        Resource = [local.names.log_groups, "${local.names.log_groups}:*"]
      },
      {
        # An HTTP API's access log is a delivery, and deliveries take no resource.
        # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging.html
        Sid    = "AccessLogs"
        Effect = "Allow"
        Action = [
          "logs:CreateLogDelivery",
          "logs:DeleteLogDelivery",
          "logs:GetLogDelivery",
          "logs:ListLogDeliveries",
          "logs:PutResourcePolicy",
          "logs:UpdateLogDelivery",
        ]
        Resource = "*"
      },
      {
        Sid    = "Apis"
        Effect = "Allow"
        Action = [
          "apigateway:AddCertificateToDomain",
          "apigateway:DELETE",
          "apigateway:PATCH",
          "apigateway:POST",
          "apigateway:PUT",
          "apigateway:RemoveCertificateFromDomain",
        ]
        Resource = local.names.apis
      },
      {
        Sid    = "UserPools"
        Effect = "Allow"
        Action = [
          "cognito-idp:CreateResourceServer",
          "cognito-idp:CreateUserPoolClient",
          "cognito-idp:CreateUserPoolDomain",
          "cognito-idp:DeleteResourceServer",
          "cognito-idp:DeleteUserPool",
          "cognito-idp:DeleteUserPoolClient",
          "cognito-idp:DeleteUserPoolDomain",
          "cognito-idp:DescribeUserPoolClient",
          "cognito-idp:SetUserPoolMfaConfig",
          "cognito-idp:TagResource",
          "cognito-idp:UntagResource",
          "cognito-idp:UpdateResourceServer",
          "cognito-idp:UpdateUserPool",
          "cognito-idp:UpdateUserPoolClient",
          "cognito-idp:UpdateUserPoolDomain",
        ]
        Resource = local.names.user_pools
      },
      {
        # There is no pool to name yet.
        Sid      = "NewUserPools"
        Effect   = "Allow"
        Action   = "cognito-idp:CreateUserPool"
        Resource = "*"
      },
      {
        Sid    = "Certificates"
        Effect = "Allow"
        Action = [
          "acm:AddTagsToCertificate",
          "acm:DeleteCertificate",
          "acm:RemoveTagsFromCertificate",
          "acm:RequestCertificate",
          "acm:UpdateCertificateOptions",
        ]
        Resource = local.names.certificates
      },
      {
        Sid    = "Dns"
        Effect = "Allow"
        Action = [
          "route53:ChangeResourceRecordSets",
          "route53:ChangeTagsForResource",
          "route53:DeleteHealthCheck",
          "route53:UpdateHealthCheck",
          "route53:UpdateHostedZoneComment",
        ]
        Resource = ["arn:aws:route53:::healthcheck/*", "arn:aws:route53:::hostedzone/*"]
      },
      {
        Sid      = "NewDns"
        Effect   = "Allow"
        Action   = ["route53:CreateHealthCheck", "route53:CreateHostedZone"]
        Resource = "*"
      },
      {
        Sid    = "Alarms"
        Effect = "Allow"
        Action = [
          "cloudwatch:DeleteAlarms",
          "cloudwatch:PutMetricAlarm",
          "cloudwatch:TagResource",
          "cloudwatch:UntagResource",
        ]
        Resource = local.names.alarms
      },
      {
        Sid    = "Stacks"
        Effect = "Allow"
        Action = [
          "cloudformation:CreateStack",
          "cloudformation:DeleteStack",
          "cloudformation:TagResource",
          "cloudformation:UntagResource",
          "cloudformation:UpdateStack",
        ]
        Resource = local.names.stacks
      },
    ]
  })

  apply_identity_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # The actions whose request IAM judges by the role's boundary.
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html#access_policies_boundaries-delegate
        Sid    = "RolesWithinTheBoundary"
        Effect = "Allow"
        Action = [
          "iam:AttachRolePolicy",
          "iam:CreateRole",
          "iam:DeleteRolePolicy",
          "iam:DetachRolePolicy",
          "iam:PutRolePermissionsBoundary",
          "iam:PutRolePolicy",
        ]
        Resource  = local.names.roles
        Condition = { StringEquals = { "iam:PermissionsBoundary" = local.boundary_arn } }
      },
      {
        Sid    = "Roles"
        Effect = "Allow"
        Action = [
          "iam:DeleteRole",
          "iam:TagRole",
          "iam:UntagRole",
          "iam:UpdateAssumeRolePolicy",
          "iam:UpdateRole",
          "iam:UpdateRoleDescription",
        ]
        Resource = local.names.roles
      },
      {
        Sid    = "Policies"
        Effect = "Allow"
        Action = [
          "iam:CreatePolicy",
          "iam:CreatePolicyVersion",
          "iam:DeletePolicy",
          "iam:DeletePolicyVersion",
          "iam:TagPolicy",
          "iam:UntagPolicy",
        ]
        Resource = local.names.policies
      },
      {
        Sid       = "HandRolesToFunctionsAndSchedules"
        Effect    = "Allow"
        Action    = "iam:PassRole"
        Resource  = local.names.roles
        Condition = { StringEquals = { "iam:PassedToService" = ["lambda.amazonaws.com", "scheduler.amazonaws.com"] } }
      },
      {
        # Made once an account, with its first custom domain.
        # https://docs.aws.amazon.com/apigateway/latest/developerguide/using-service-linked-roles.html
        Sid       = "ServiceLinkedRole"
        Effect    = "Allow"
        Action    = "iam:CreateServiceLinkedRole"
        Resource  = "${local.iam_arn}:role/aws-service-role/ops.apigateway.amazonaws.com/AWSServiceRoleForAPIGateway"
        Condition = { StringEquals = { "iam:AWSServiceName" = "ops.apigateway.amazonaws.com" } }
      },
      {
        # The way up: an apply that widens its own rights, the boundary, or who may sign.
        Sid    = "NotTheDeployRoles"
        Effect = "Deny"
        Action = [
          "iam:AttachRolePolicy",
          "iam:Create*",
          "iam:Delete*",
          "iam:DetachRolePolicy",
          "iam:PassRole",
          "iam:Put*",
          "iam:SetDefaultPolicyVersion",
          "iam:Tag*",
          "iam:Untag*",
          "iam:Update*",
        ]
        Resource = [
          "${local.iam_arn}:role/${local.prefix}-apply",
          "${local.iam_arn}:role/${local.prefix}-ceremony",
          "${local.iam_arn}:role/${local.prefix}-plan",
          "${local.iam_arn}:policy/${local.prefix}-apply-*",
          "${local.iam_arn}:policy/${local.prefix}-plan-*",
          local.boundary_arn,
          local.github_provider_arn,
        ]
      },
      {
        Sid      = "NoRoleWithoutABoundary"
        Effect   = "Deny"
        Action   = "iam:DeleteRolePermissionsBoundary"
        Resource = "*"
      },
    ]
  })
}

locals {
  apply_plans_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "PlansAndJournal"
        Effect   = "Allow"
        Action   = "s3:GetObject"
        Resource = ["${local.plan_bucket_arn}/applied/*", "${local.plan_bucket_arn}/plans/*"]
      },
      {
        Sid      = "Journal"
        Effect   = "Allow"
        Action   = "s3:PutObject"
        Resource = "${local.plan_bucket_arn}/applied/*"
      },
      {
        Sid       = "PlanKey"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = local.names.keys
        Condition = local.plan_key_through_s3
      },
      {
        # What an administrator applies reads its state with an administrator's rights: whoever could write that state
        # could have Terraform run what they like.
        Sid    = "NotTheAdministratorsState"
        Effect = "Deny"
        Action = ["s3:PutObject", "s3:DeleteObject"]
        Resource = [
          for unit in ["account/deploy-roles", "account/plan-bucket", "account/state-bucket", "ca"] :
          "${local.state_bucket_arn}/${var.account_name}/${var.region}/${unit}/*"
        ]
      },
      {
        # Whoever can write their policies can read plans, or lose state.
        Sid      = "NotTheAdministratorsBuckets"
        Effect   = "Deny"
        Action   = ["s3:CreateBucket", "s3:DeleteBucket*", "s3:PutBucket*", "s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration"]
        Resource = [local.plan_bucket_arn, local.state_bucket_arn]
      },
      {
        Sid       = "NotThePlanKey"
        Effect    = "Deny"
        Action    = ["kms:CreateAlias", "kms:DeleteAlias", "kms:PutKeyPolicy", "kms:TagResource", "kms:UntagResource", "kms:UpdateAlias"]
        Resource  = local.names.keys
        Condition = local.is_plan_key
      },
      {
        Sid      = "NotThePlanKeysName"
        Effect   = "Deny"
        Action   = ["kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"]
        Resource = "arn:aws:kms:${local.within}:${local.plan_key_alias}"
      },
    ]
  })
}

locals {
  apply_watch_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Schedules"
        Effect   = "Allow"
        Action   = ["scheduler:CreateSchedule", "scheduler:DeleteSchedule", "scheduler:UpdateSchedule"]
        Resource = local.names.schedules
      },
      {
        Sid    = "Rules"
        Effect = "Allow"
        Action = [
          "events:DeleteRule",
          "events:PutRule",
          "events:PutTargets",
          "events:RemoveTargets",
          "events:TagResource",
          "events:UntagResource",
        ]
        Resource = local.names.rules
      },
      {
        Sid    = "Topics"
        Effect = "Allow"
        Action = [
          "sns:CreateTopic",
          "sns:DeleteTopic",
          "sns:SetTopicAttributes",
          "sns:Subscribe",
          "sns:TagResource",
          "sns:UntagResource",
        ]
        Resource = local.names.topics
      },
      {
        # What is said of a subscription takes no resource.
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsns.html
        Sid      = "Subscriptions"
        Effect   = "Allow"
        Action   = ["sns:SetSubscriptionAttributes", "sns:Unsubscribe"]
        Resource = "*"
      },
    ]
  })

  # Denied, since the names of these begin like everything else's: who can change what signs can sign, who can write
  # the CA's buckets can plant a CA or rewrite a transcript, and who can delete a stored key ends a CA.
  apply_ca_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "NotTheCaBuckets"
        Effect = "Deny"
        Action = ["s3:CreateBucket", "s3:Delete*", "s3:Put*", "s3:Replicate*"]
        Resource = flatten([
          for bucket in concat(
            var.ceremony[*].ca_bucket_name,
            [for name in ["ceremony-log", "cloudtrail", "crl"] : "${local.prefix}-${name}-${var.account_id}"],
          ) : ["arn:aws:s3:::${bucket}", "arn:aws:s3:::${bucket}/*"]
        ])
      },
      {
        Sid      = "NotTheStoredKeys"
        Effect   = "Deny"
        Action   = ["ssm:AddTagsToResource", "ssm:DeleteParameter", "ssm:PutParameter", "ssm:RemoveTagsFromResource"]
        Resource = "arn:aws:ssm:${local.within}:parameter/${local.prefix}/ca/*"
      },
      {
        Sid    = "NotWhatSigns"
        Effect = "Deny"
        Action = [
          "lambda:Add*",
          "lambda:Create*",
          "lambda:Delete*",
          "lambda:Invoke*",
          "lambda:Publish*",
          "lambda:Put*",
          "lambda:Remove*",
          "lambda:Update*",
        ]
        Resource = [for function in ["issuer", "crl"] : "${local.names.functions}-${function}*"]
      },
      {
        Sid    = "NotWhoSigns"
        Effect = "Deny"
        Action = [
          "iam:AttachRolePolicy",
          "iam:CreateRole",
          "iam:Delete*",
          "iam:DetachRolePolicy",
          "iam:PassRole",
          "iam:Put*",
          "iam:Tag*",
          "iam:Untag*",
          "iam:Update*",
        ]
        Resource = [for role in ["issuer", "issuer-invoker", "crl"] : "${local.names.roles}-${role}"]
      },
    ]
  })
}

################################################################################
# Boundary
################################################################################

locals {
  # The union of what the platform's own roles do: functions and pki writers. No iam, no sts, no kms:Sign.
  boundary_policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        Sid      = "Logs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${local.names.log_groups}:*"
      },
      {
        Sid      = "Registry"
        Effect   = "Allow"
        Action   = ["dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:UpdateItem"]
        Resource = ["${local.names.tables}-registry", "${local.names.tables}-registry/index/*"]
      },
      {
        # Which truststore a domain has pinned. API Gateway's ARNs have no account.
        Sid      = "PinnedTruststore"
        Effect   = "Allow"
        Action   = "apigateway:GET"
        Resource = "arn:aws:apigateway:${var.region}::/domainnames/*"
      },
      {
        # A device's renewal is asked of the security account, which has the last word on who may ask.
        Sid      = "AskIssuer"
        Effect   = "Allow"
        Action   = "sts:AssumeRole"
        Resource = "arn:aws:iam::*:role/${local.prefix}-*-issuer-invoker"
      },
      {
        Sid      = "TruststoreObjects"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]
        Resource = "${local.names.truststores}/*"
      },
      {
        Sid      = "TruststoreVersions"
        Effect   = "Allow"
        Action   = ["s3:GetBucketVersioning", "s3:ListBucket", "s3:ListBucketVersions"]
        Resource = local.names.truststores
      },
      {
        Sid      = "EnvironmentFacts"
        Effect   = "Allow"
        Action   = ["ssm:GetParameter", "ssm:GetParameters"]
        Resource = local.names.parameters
      },
      {
        Sid      = "AppClients"
        Effect   = "Allow"
        Action   = "secretsmanager:GetSecretValue"
        Resource = "${local.names.secrets}/app-client/*"
      },
      {
        Sid       = "TokenBinding"
        Effect    = "Allow"
        Action    = ["kms:GenerateMac", "kms:VerifyMac"]
        Resource  = local.names.keys
        Condition = { "ForAnyValue:StringLike" = { "kms:ResourceAliases" = "alias/${local.prefix}-*-token-binding" } }
      },
      {
        # X-Ray knows no resource to limit this to.
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
        Sid      = "Traces"
        Effect   = "Allow"
        Action   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
        Resource = "*"
      },
      {
        # Through these services only: the keys behind the table and the secrets.
        Sid       = "EncryptionAtRest"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = local.names.keys
        Condition = { StringEquals = { "kms:ViaService" = [for service in ["dynamodb", "secretsmanager"] : "${service}.${var.region}.amazonaws.com"] } }
      },
      {
        # How long the API's own certificate lasts.
        Sid      = "ServerCertificates"
        Effect   = "Allow"
        Action   = "acm:DescribeCertificate"
        Resource = local.names.certificates
      },
      ],
      # A schedule calls its function; not where the issuer is, which signs for whoever may call it.
      [for functions in [local.names.functions] : {
        Sid      = "Schedules"
        Effect   = "Allow"
        Action   = "lambda:InvokeFunction"
        Resource = functions
      } if var.ceremony == null],
    )
  })
}
