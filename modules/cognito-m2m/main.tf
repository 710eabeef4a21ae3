locals {
  issuer         = "https://cognito-idp.${var.region}.amazonaws.com/${aws_cognito_user_pool.this.id}"
  jwks_uri       = "${local.issuer}/.well-known/jwks.json"
  token_endpoint = "https://${aws_cognito_user_pool_domain.this.domain}.auth.${var.region}.amazoncognito.com/oauth2/token"

  secret_prefix = "${var.name_prefix}/app-client"

  oauth_scopes = [for name in sort(keys(var.resource_server.scopes)) : "${var.resource_server.identifier}/${name}"]

  function_environment = {
    POWERTOOLS_METRICS_NAMESPACE = "mtls-api"
    LOG_LEVEL                    = var.log_level
    ENVIRONMENT                  = var.environment
    # The alias, so that a new key takes over without a change of the functions.
    BINDING_KEY_ID = aws_kms_alias.token_binding.name
  }
}

################################################################################
# Binding key: `token` signs client metadata, Cognito's trigger verifies it
################################################################################

resource "aws_kms_key" "token_binding" {
  #checkov:skip=CKV_AWS_7: KMS rotates symmetric encryption keys only, never an HMAC key; the alias is the way to a new one

  description              = "${var.name_prefix}: authenticates the client metadata that the token function hands to Cognito's pre-token trigger"
  key_usage                = "GENERATE_VERIFY_MAC"
  customer_master_key_spec = "HMAC_256"
  deletion_window_in_days  = 30

  # The account's administrators manage the key and cannot use it; the two functions use it, each for its half.
  # Principals are named by condition, so that the key can precede the roles and survive a role that is made again.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Administer"
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::${var.account_id}:root" }
        Action = [
          "kms:CancelKeyDeletion",
          "kms:CreateAlias",
          "kms:DeleteAlias",
          "kms:DescribeKey",
          "kms:DisableKey",
          "kms:EnableKey",
          "kms:GetKeyPolicy",
          "kms:GetKeyRotationStatus",
          "kms:ListGrants",
          "kms:ListKeyPolicies",
          "kms:ListResourceTags",
          "kms:PutKeyPolicy",
          "kms:RevokeGrant",
          "kms:ScheduleKeyDeletion",
          "kms:TagResource",
          "kms:UntagResource",
          "kms:UpdateAlias",
          "kms:UpdateKeyDescription",
        ]
        Resource = "*"
      },
      {
        Sid       = "TokenSigns"
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::${var.account_id}:root" }
        Action    = "kms:GenerateMac"
        Resource  = "*"
        Condition = { ArnEquals = { "aws:PrincipalArn" = "arn:aws:iam::${var.account_id}:role/${var.name_prefix}-token" } }
      },
      {
        Sid       = "TokenBindingVerifies"
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::${var.account_id}:root" }
        Action    = "kms:VerifyMac"
        Resource  = "*"
        Condition = { ArnEquals = { "aws:PrincipalArn" = "arn:aws:iam::${var.account_id}:role/${var.name_prefix}-token-binding" } }
      },
    ]
  })
}

resource "aws_kms_alias" "token_binding" {
  name          = "alias/${var.name_prefix}-token-binding"
  target_key_id = aws_kms_key.token_binding.key_id
}

################################################################################
# Pre-token trigger: no signed metadata, no token
################################################################################

module "token_binding" {
  source = "../function"

  name        = "${var.name_prefix}-token-binding"
  description = "Cognito's pre-token trigger: binds an access token to the certificate named in signed client metadata (RFC 8705)"
  package     = var.packages.token_binding
  handler     = "mtls_token_binding.handler.handler"

  memory_mb = var.memory_mb
  # Cognito waits 5 s for a trigger.
  timeout_seconds      = 5
  reserved_concurrency = var.reserved_concurrency

  # Not the pool's id: the pool's configuration names this function, so it cannot be known here. The signed metadata covers the client.
  environment = merge(local.function_environment, { POWERTOOLS_SERVICE_NAME = "token-binding" })

  policy_statements = [{
    sid       = "VerifyBinding"
    actions   = ["kms:VerifyMac"]
    resources = [aws_kms_key.token_binding.arn]
  }]

  log_retention_days       = var.log_retention_days
  log_kms_key_arn          = var.log_kms_key_arn
  permissions_boundary_arn = var.permissions_boundary_arn
}

resource "aws_lambda_permission" "token_binding" {
  statement_id   = "CognitoPreTokenGeneration"
  action         = "lambda:InvokeFunction"
  function_name  = module.token_binding.function_name
  principal      = "cognito-idp.amazonaws.com"
  source_account = var.account_id
  source_arn     = aws_cognito_user_pool.this.arn
}

################################################################################
# User pool: machines only
################################################################################

resource "aws_cognito_user_pool" "this" {
  name                = var.name_prefix
  deletion_protection = var.deletion_protection ? "ACTIVE" : "INACTIVE"

  # The least tier whose pre-token trigger runs for client_credentials.
  # https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-pre-token-generation.html
  user_pool_tier = "ESSENTIALS"

  # The pool has no users, and nobody can make one of himself.
  admin_create_user_config {
    allow_admin_create_user_only = true
  }

  account_recovery_setting {
    recovery_mechanism {
      name     = "admin_only"
      priority = 1
    }
  }

  lambda_config {
    pre_token_generation_config {
      lambda_arn     = module.token_binding.function_arn
      lambda_version = "V3_0"
    }
  }

  # Another pool is another issuer: no token of the old one would be taken, no app client be known.
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_cognito_user_pool_domain" "this" {
  domain       = var.domain_prefix
  user_pool_id = aws_cognito_user_pool.this.id
}

resource "aws_cognito_resource_server" "this" {
  user_pool_id = aws_cognito_user_pool.this.id
  identifier   = var.resource_server.identifier
  name         = var.resource_server.identifier

  dynamic "scope" {
    for_each = var.resource_server.scopes

    content {
      scope_name        = scope.key
      scope_description = scope.value
    }
  }
}

################################################################################
# App clients
#
# By CloudFormation, not by aws_cognito_user_pool_client: that resource keeps the client's secret in Terraform's state.
# Here it goes from Cognito to Secrets Manager inside CloudFormation (Fn::GetAtt ClientSecret), and Terraform sees the ids.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-cognito-userpoolclient.html
################################################################################

locals {
  logical_ids = { for name in keys(var.app_clients) : name => replace(title(name), "-", "") }

  app_client_resources = {
    for name, client in var.app_clients : "Client${local.logical_ids[name]}" => {
      Type = "AWS::Cognito::UserPoolClient"
      Properties = {
        ClientName                      = "${var.name_prefix}-${name}"
        UserPoolId                      = aws_cognito_user_pool.this.id
        GenerateSecret                  = true
        AllowedOAuthFlowsUserPoolClient = true
        AllowedOAuthFlows               = ["client_credentials"]
        AllowedOAuthScopes              = sort(client.scopes)
        AccessTokenValidity             = var.access_token_validity_minutes
        TokenValidityUnits              = { AccessToken = "minutes" }
        EnableTokenRevocation           = true
        # Left out, Cognito would allow sign-in by password and SRP. A refresh token is never issued to a machine.
        ExplicitAuthFlows          = ["ALLOW_REFRESH_TOKEN_AUTH"]
        PreventUserExistenceErrors = "ENABLED"
      }
    }
  }

  app_client_secrets = {
    for name, logical_id in local.logical_ids : "Secret${logical_id}" => {
      Type = "AWS::SecretsManager::Secret"
      Properties = {
        Name         = { "Fn::Sub" = "${local.secret_prefix}/$${Client${logical_id}}" }
        Description  = "${var.name_prefix}: Cognito app client ${name}, read by the token function only"
        SecretString = { "Fn::Sub" = "{\"client_id\": \"$${Client${logical_id}}\", \"client_secret\": \"$${Client${logical_id}.ClientSecret}\"}" }
      }
    }
  }

  app_client_template = jsonencode({
    AWSTemplateFormatVersion = "2010-09-09"
    Description              = "App clients of the user pool ${var.name_prefix} and their secrets"
    Resources                = merge(local.app_client_resources, local.app_client_secrets)
    Outputs = {
      for name, logical_id in local.logical_ids : "Client${logical_id}" => {
        Description = "Client id of the app client ${name}"
        Value       = { Ref = "Client${logical_id}" }
      }
    }
  })
}

resource "aws_cloudformation_stack" "app_clients" {
  #checkov:skip=CKV_AWS_124: Terraform waits for the stack and reports its failure; nobody else would read a notification

  name = "${var.name_prefix}-app-clients"

  template_body = local.app_client_template

  lifecycle {
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
    precondition {
      condition     = length(local.app_client_template) <= 51200
      error_message = "The app clients' CloudFormation template exceeds 51,200 bytes. Use fewer app clients, or shorter names."
    }
  }

  # Cognito refuses a client whose scopes are not there yet.
  depends_on = [aws_cognito_resource_server.this]
}

resource "aws_ssm_parameter" "app_client" {
  #checkov:skip=CKV2_AWS_34: a client id is public (RFC 6749, section 2.2); the secret is in Secrets Manager

  for_each = local.logical_ids

  name        = "${var.parameter_prefix}/app-clients/${each.key}"
  description = "Client id of the Cognito app client ${each.key}"
  type        = "String"
  value       = aws_cloudformation_stack.app_clients.outputs["Client${each.value}"]
}

################################################################################
# Token endpoint: certificate in, bound token out
################################################################################

module "token" {
  source = "../function"

  name        = "${var.name_prefix}-token"
  description = "OAuth token endpoint: authenticates a client by its certificate (RFC 8705) and gets it a bound token from Cognito"
  package     = var.packages.token
  handler     = "mtls_token.handler.handler"

  memory_mb = var.memory_mb
  # As long as API Gateway waits: the caller is to get an OAuth error, not a bare 503.
  timeout_seconds      = 29
  reserved_concurrency = var.reserved_concurrency

  environment = merge(local.function_environment, {
    POWERTOOLS_SERVICE_NAME  = "token"
    REGISTRY_TABLE           = var.registry_table_name
    COGNITO_TOKEN_ENDPOINT   = local.token_endpoint
    APP_CLIENT_SECRET_PREFIX = local.secret_prefix
    API_DOMAIN_NAME          = var.api_domain_name
    SCOPES_SUPPORTED         = jsonencode(local.oauth_scopes)
    JWKS_URI                 = local.jwks_uri
  })

  policy_statements = [
    {
      sid       = "ReadRegistry"
      actions   = ["dynamodb:GetItem"]
      resources = [var.registry_table_arn]
    },
    {
      sid       = "ReadAppClientSecrets"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = ["arn:aws:secretsmanager:${var.region}:${var.account_id}:secret:${local.secret_prefix}/*"]
    },
    {
      sid       = "SignBinding"
      actions   = ["kms:GenerateMac"]
      resources = [aws_kms_key.token_binding.arn]
    },
  ]

  log_retention_days       = var.log_retention_days
  log_kms_key_arn          = var.log_kms_key_arn
  permissions_boundary_arn = var.permissions_boundary_arn
}
