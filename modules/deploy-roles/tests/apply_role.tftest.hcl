# Asserts what the apply role may do: the platform's services under the organization's names, roles within the boundary
# only, and neither secrets, nor keys, nor the CA, nor its own rights. No cloud is called.

mock_provider "aws" {
  override_during = plan
}

variables {
  organization           = "example"
  account_id             = "111111111111"
  account_name           = "security"
  region                 = "eu-west-1"
  state_bucket_name      = "example-tfstate-111111111111"
  plan_bucket_name       = "example-plans-111111111111"
  github_repository      = "example-org/aws-api-gateway-mtls"
  trusted_principal_arns = ["arn:aws:iam::999999999999:root"]
  ceremony = {
    ca_bucket_name         = "example-ca-111111111111"
    pki_writer_role_arns   = ["arn:aws:iam::222222222222:role/example-dev-pki-writer"]
    trusted_principal_arns = ["arn:aws:iam::111111111111:role/security-officer"]
  }
}

run "no_service_is_granted_whole" {
  command = plan

  assert {
    condition = alltrue(flatten([for policy in concat(values(aws_iam_policy.apply), [aws_iam_policy.read, aws_iam_policy.boundary]) : [
      for statement in jsondecode(policy.policy).Statement : [
        for action in flatten([statement.Action]) : !can(regex("^(\\*|[a-z0-9-]+:\\*)$", action))
      ]
    ]]))
    error_message = "A policy has a bare wildcard action such as iam:*."
  }
}

run "named_things_carry_the_organization_s_prefix" {
  command = plan

  assert {
    condition = alltrue(flatten([for policy in values(aws_iam_policy.apply) : [
      for statement in jsondecode(policy.policy).Statement : [
        for resource in flatten([statement.Resource]) : !can(regex("^arn:aws:(s3|dynamodb|lambda|logs|secretsmanager|cloudformation|ecr|cloudwatch|iam|sns|events|scheduler):", resource)) || can(regex("(^arn:aws:s3:::|:table/|:function:|:log-group:/aws/\\*/|:secret:|:stack/|:repository/|:alarm:|:role/|:policy/|:rule/|:schedule/\\*/|:sns:eu-west-1:111111111111:)example-", resource)) || strcontains(resource, ":role/aws-service-role/ops.apigateway.amazonaws.com/")
      ] if statement.Effect == "Allow"
    ]]))
    error_message = "The apply role reaches names without the organization's prefix."
  }

  assert {
    condition = toset(flatten([for policy in values(aws_iam_policy.apply) : [
      for statement in jsondecode(policy.policy).Statement : statement.Sid if statement.Effect == "Allow" && contains(flatten([statement.Resource]), "*")
    ]])) == toset(["NewUserPools", "NewDns", "AccessLogs"])
    error_message = "A statement without a resource is not among those whose service knows none."
  }
}

run "elsewhere_new_keys_have_no_resource_either" {
  command = plan

  variables {
    ceremony = null
  }

  assert {
    condition = toset(flatten([for policy in values(aws_iam_policy.apply) : [
      for statement in jsondecode(policy.policy).Statement : statement.Sid if statement.Effect == "Allow" && contains(flatten([statement.Resource]), "*")
    ]])) == toset(["NewKeys", "NewUserPools", "NewDns", "AccessLogs", "Subscriptions"])
    error_message = "A statement without a resource is not among those whose service knows none."
  }
}

run "roles_are_made_within_the_boundary_only" {
  command = plan

  assert {
    condition = alltrue([for action in ["iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:PutRolePermissionsBoundary"] :
      one([for statement in jsondecode(aws_iam_policy.apply["identity"].policy).Statement : statement.Condition if statement.Effect == "Allow" && contains(flatten([statement.Action]), action)]) == { StringEquals = { "iam:PermissionsBoundary" = "arn:aws:iam::111111111111:policy/example-boundary" } }
    ])
    error_message = "A role could be made or given rights without the boundary."
  }

  assert {
    condition = one([for statement in jsondecode(aws_iam_policy.apply["identity"].policy).Statement : alltrue([
      statement.Effect == "Deny",
      statement.Action == "iam:DeleteRolePermissionsBoundary",
      statement.Resource == "*",
    ]) if statement.Sid == "NoRoleWithoutABoundary"])
    error_message = "A boundary could be taken off a role."
  }
}

run "it_cannot_change_the_deploy_roles" {
  command = plan

  assert {
    condition = one([for statement in jsondecode(aws_iam_policy.apply["identity"].policy).Statement : alltrue([
      statement.Effect == "Deny",
      length(setsubtract(["iam:AttachRolePolicy", "iam:DetachRolePolicy", "iam:Create*", "iam:Delete*", "iam:Put*", "iam:Update*", "iam:SetDefaultPolicyVersion", "iam:PassRole"], statement.Action)) == 0,
      toset(statement.Resource) == toset([
        "arn:aws:iam::111111111111:role/example-apply",
        "arn:aws:iam::111111111111:role/example-ceremony",
        "arn:aws:iam::111111111111:role/example-plan",
        "arn:aws:iam::111111111111:policy/example-apply-*",
        "arn:aws:iam::111111111111:policy/example-plan-*",
        "arn:aws:iam::111111111111:policy/example-boundary",
        "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com",
      ]),
    ]) if statement.Sid == "NotTheDeployRoles"])
    error_message = "The apply role could widen its own rights, the boundary, or who may sign."
  }
}

run "it_hands_roles_to_functions_and_schedules_only" {
  command = plan

  assert {
    condition     = one([for statement in jsondecode(aws_iam_policy.apply["identity"].policy).Statement : statement.Condition if statement.Effect == "Allow" && contains(flatten([statement.Action]), "iam:PassRole")]) == { StringEquals = { "iam:PassedToService" = ["lambda.amazonaws.com", "scheduler.amazonaws.com"] } }
    error_message = "A role could be handed to another service than Lambda and the scheduler."
  }
}

run "it_assumes_no_other_role" {
  command = plan

  assert {
    condition = alltrue(flatten([for policy in concat(values(aws_iam_policy.apply), [aws_iam_policy.read]) : [
      for statement in jsondecode(policy.policy).Statement : [for action in flatten([statement.Action]) : !startswith(action, "sts:")]
    ]]))
    error_message = "A policy allows sts."
  }
}

run "it_sees_no_secret_value_itself" {
  command = plan

  assert {
    condition = one([for statement in jsondecode(aws_iam_policy.apply["data"].policy).Statement : alltrue([
      statement.Effect == "Deny",
      statement.Resource == "*",
      length(setsubtract(["secretsmanager:GetSecretValue", "secretsmanager:BatchGetSecretValue", "cognito-idp:DescribeUserPoolClient"], statement.Action)) == 0,
      statement.Condition == { "ForAllValues:StringNotEquals" = { "aws:CalledVia" = ["cloudformation.amazonaws.com"] } },
    ]) if statement.Sid == "NoSecretValues"])
    error_message = "The apply role could read a secret other than through CloudFormation."
  }

  assert {
    condition = one([for statement in jsondecode(aws_iam_policy.apply["data"].policy).Statement : alltrue([
      statement.Effect == "Deny",
      statement.Action == "kms:Decrypt",
      statement.Condition == { StringEquals = { "kms:ViaService" = "ssm.eu-west-1.amazonaws.com" } },
    ]) if statement.Sid == "NoSecureStrings"])
    error_message = "The apply role could read a SecureString."
  }
}

run "it_uses_no_key" {
  command = plan

  assert {
    condition = one([for statement in jsondecode(aws_iam_policy.apply["data"].policy).Statement : alltrue([
      statement.Effect == "Deny",
      statement.Resource == "*",
      !contains(keys(statement), "Condition"),
      toset(statement.Action) == toset(["kms:GenerateMac", "kms:Sign", "kms:VerifyMac"]),
    ]) if statement.Sid == "NoUseOfKeys"])
    error_message = "The apply role could sign or make a binding."
  }
}

run "where_ca_keys_are_it_administers_none" {
  command = plan

  assert {
    condition     = alltrue(flatten([for policy in values(aws_iam_policy.apply) : [for statement in jsondecode(policy.policy).Statement : [for action in flatten([statement.Action]) : !startswith(action, "kms:")] if statement.Effect == "Allow" && statement.Sid != "PlanKey"]]))
    error_message = "In the security account the apply role could make or change a key or an alias."
  }

  assert {
    condition = one([for statement in jsondecode(aws_iam_policy.apply["plans"].policy).Statement : [join(" ", statement.Action), statement.Condition] if statement.Sid == "PlanKey"]) == [
      "kms:Decrypt kms:GenerateDataKey",
      {
        "ForAnyValue:StringEquals" = { "kms:ResourceAliases" = "alias/example-plans" }
        StringEquals               = { "kms:ViaService" = "s3.eu-west-1.amazonaws.com" }
      },
    ]
    error_message = "The apply role could use another key than that of plans."
  }
}

run "where_the_ca_is_it_is_denied_its_buckets" {
  command = plan

  assert {
    condition = one([for statement in jsondecode(aws_iam_policy.apply["ca"].policy).Statement : alltrue([
      statement.Effect == "Deny",
      !contains(keys(statement), "Condition"),
      # Covers PutBucketPolicy, PutObject, DeleteBucketPolicy, DeleteObject, DeleteObjectVersion and what else begins so.
      length(setsubtract(["s3:Put*", "s3:Delete*"], statement.Action)) == 0,
      toset(statement.Resource) == toset(flatten([for name in ["ca", "ceremony-log", "cloudtrail", "crl"] : [
        "arn:aws:s3:::example-${name}-111111111111", "arn:aws:s3:::example-${name}-111111111111/*",
      ]])),
    ]) if statement.Sid == "NotTheCaBuckets"])
    error_message = "The apply role could plant a certificate, or rewrite a transcript, the trail or a revocation list."
  }

  assert {
    condition     = alltrue([for action in ["kms:DescribeKey", "kms:GetKeyPolicy", "s3:GetBucket*", "events:DescribeRule", "sns:GetTopicAttributes", "cloudtrail:GetTrail*"] : anytrue([for statement in jsondecode(aws_iam_policy.read.policy).Statement : contains(flatten([statement.Action]), action) && statement.Effect == "Allow"])])
    error_message = "The CA's keys, buckets, alarm and trail can no longer be planned."
  }
}

run "where_the_ca_is_it_changes_nothing_that_signs" {
  command = plan

  assert {
    condition = one([for statement in jsondecode(aws_iam_policy.apply["ca"].policy).Statement : alltrue([
      statement.Effect == "Deny",
      # Covers UpdateFunctionCode, AddPermission, CreateFunction, PutFunctionConcurrency and what else begins so.
      length(setsubtract(["lambda:Add*", "lambda:Create*", "lambda:Delete*", "lambda:Invoke*", "lambda:Update*"], statement.Action)) == 0,
      toset(statement.Resource) == toset(["arn:aws:lambda:eu-west-1:111111111111:function:example-*-issuer*", "arn:aws:lambda:eu-west-1:111111111111:function:example-*-crl*"]),
    ]) if statement.Sid == "NotWhatSigns"])
    error_message = "The apply role could change or call a function that signs."
  }

  assert {
    condition = one([for statement in jsondecode(aws_iam_policy.apply["ca"].policy).Statement : alltrue([
      statement.Effect == "Deny",
      length(setsubtract(["iam:CreateRole", "iam:PassRole", "iam:Put*", "iam:Update*", "iam:AttachRolePolicy"], statement.Action)) == 0,
      toset(statement.Resource) == toset([for name in ["issuer", "issuer-invoker", "crl"] : "arn:aws:iam::111111111111:role/example-*-${name}"]),
    ]) if statement.Sid == "NotWhoSigns"])
    error_message = "The apply role could become a role that signs, or asks for a signature."
  }
}

run "where_the_ca_is_it_leaves_stored_keys_and_the_alarm_alone" {
  command = plan

  assert {
    condition     = one([for statement in jsondecode(aws_iam_policy.apply["ca"].policy).Statement : statement.Effect == "Deny" && contains(statement.Action, "ssm:DeleteParameter") && contains(statement.Action, "ssm:PutParameter") && statement.Resource == "arn:aws:ssm:eu-west-1:111111111111:parameter/example/ca/*" if statement.Sid == "NotTheStoredKeys"])
    error_message = "The apply role could replace or delete a stored CA key."
  }

  assert {
    condition     = alltrue(flatten([for policy in values(aws_iam_policy.apply) : [for statement in jsondecode(policy.policy).Statement : [for action in flatten([statement.Action]) : !can(regex("^(events|sns|cloudtrail|scheduler):", action))] if statement.Effect == "Allow"]]))
    error_message = "In the security account the apply role could silence the alarm on the root's key, or the trail."
  }
}

run "elsewhere_it_writes_what_watches" {
  command = plan

  variables {
    ceremony = null
  }

  assert {
    condition     = length(setsubtract(["scheduler:CreateSchedule", "events:PutRule", "events:PutTargets", "sns:CreateTopic", "sns:Subscribe"], flatten([for statement in jsondecode(aws_iam_policy.apply["watch"].policy).Statement : flatten([statement.Action]) if statement.Effect == "Allow"]))) == 0
    error_message = "The apply role could not make a workload's schedule, rule or topic."
  }
}

run "elsewhere_it_keeps_keys" {
  command = plan

  variables {
    ceremony = null
  }

  # Without PutKeyPolicy KMS would let it make no key: its policy might lock everybody out.
  assert {
    condition     = length(setsubtract(["kms:CreateKey", "kms:PutKeyPolicy", "kms:CreateAlias"], flatten([for statement in jsondecode(aws_iam_policy.apply["data"].policy).Statement : flatten([statement.Action]) if statement.Effect == "Allow"]))) == 0
    error_message = "The apply role could not make a workload's key."
  }

  assert {
    condition     = !contains(keys(aws_iam_policy.apply), "ca")
    error_message = "A CA is spoken of where there is none."
  }
}

run "it_encrypts_the_platform_s_log_groups" {
  command = plan

  assert {
    condition     = { for statement in jsondecode(aws_iam_policy.apply["api"].policy).Statement : statement.Sid => statement.Resource[0] if length(setintersection(["logs:AssociateKmsKey", "logs:DisassociateKmsKey"], flatten([statement.Action]))) == 2 } == { LogGroups = "arn:aws:logs:eu-west-1:111111111111:log-group:/aws/*/example-*" }
    error_message = "The apply role cannot give the platform's log groups a key, or reaches others."
  }
}

run "what_cannot_be_made_again_it_does_not_delete" {
  command = plan

  assert {
    condition = length(setintersection(
      flatten([for policy in values(aws_iam_policy.apply) : [for statement in jsondecode(policy.policy).Statement : flatten([statement.Action]) if statement.Effect == "Allow"]]),
      ["s3:DeleteBucket", "s3:DeleteObjectVersion", "s3:DeleteBucketPolicy", "dynamodb:DeleteTable", "kms:ScheduleKeyDeletion", "route53:DeleteHostedZone"],
    )) == 0
    error_message = "The apply role could delete a bucket, a version, a table, a key or a zone."
  }
}

run "it_removes_the_lock_and_never_state" {
  command = plan

  assert {
    condition     = one([for statement in jsondecode(aws_iam_policy.apply["data"].policy).Statement : statement.Resource if statement.Effect == "Allow" && contains(flatten([statement.Action]), "s3:DeleteObject")]) == "arn:aws:s3:::example-tfstate-111111111111/*.tflock"
    error_message = "The apply role could delete objects beside the lock."
  }

  assert {
    condition     = one([for statement in jsondecode(aws_iam_policy.apply["data"].policy).Statement : statement.Resource if statement.Effect == "Allow" && contains(flatten([statement.Action]), "s3:PutObject")]) == "arn:aws:s3:::example-tfstate-111111111111/*"
    error_message = "The apply role writes other objects than state, or no state."
  }
}

run "it_writes_no_state_that_an_administrator_applies_from" {
  command = plan

  assert {
    condition = toset(flatten([for policy in values(aws_iam_policy.apply) : [
      for statement in jsondecode(policy.policy).Statement : statement.Resource if statement.Sid == "NotTheAdministratorsState" && statement.Effect == "Deny" && contains(flatten([statement.Action]), "s3:PutObject")
      ]])) == toset([
      "arn:aws:s3:::example-tfstate-111111111111/security/eu-west-1/account/deploy-roles/*",
      "arn:aws:s3:::example-tfstate-111111111111/security/eu-west-1/account/plan-bucket/*",
      "arn:aws:s3:::example-tfstate-111111111111/security/eu-west-1/account/state-bucket/*",
      "arn:aws:s3:::example-tfstate-111111111111/security/eu-west-1/ca/*",
    ])
    error_message = "The apply role may write the state of units that an administrator applies."
  }
}

run "it_changes_neither_the_administrators_buckets_nor_the_plans_key" {
  command = plan

  assert {
    condition = one([for statement in jsondecode(aws_iam_policy.apply["plans"].policy).Statement : alltrue([
      statement.Effect == "Deny",
      length(setsubtract(["s3:PutBucket*", "s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration", "s3:DeleteBucket*"], statement.Action)) == 0,
      toset(statement.Resource) == toset(["arn:aws:s3:::example-plans-111111111111", "arn:aws:s3:::example-tfstate-111111111111"]),
      !contains(keys(statement), "Condition"),
    ]) if statement.Sid == "NotTheAdministratorsBuckets"])
    error_message = "The apply role could open the plan bucket or the state bucket."
  }

  assert {
    condition = one([for statement in jsondecode(aws_iam_policy.apply["plans"].policy).Statement : alltrue([
      statement.Effect == "Deny",
      contains(statement.Action, "kms:PutKeyPolicy"),
      statement.Condition == { "ForAnyValue:StringEquals" = { "kms:ResourceAliases" = "alias/example-plans" } },
    ]) if statement.Sid == "NotThePlanKey"])
    error_message = "The apply role could let somebody decrypt plans."
  }

  assert {
    condition     = one([for statement in jsondecode(aws_iam_policy.apply["plans"].policy).Statement : statement.Effect == "Deny" && statement.Resource == "arn:aws:kms:eu-west-1:111111111111:alias/example-plans" if statement.Sid == "NotThePlanKeysName"])
    error_message = "The apply role could call another key the plans'."
  }
}

run "it_reads_plans_and_writes_its_journal" {
  command = plan

  assert {
    condition = { for statement in jsondecode(aws_iam_policy.apply["plans"].policy).Statement : statement.Sid => sort(flatten([statement.Resource])) if statement.Effect == "Allow" && can(regex("^s3:", flatten([statement.Action])[0])) } == {
      Journal         = tolist(["arn:aws:s3:::example-plans-111111111111/applied/*"])
      PlansAndJournal = tolist(["arn:aws:s3:::example-plans-111111111111/applied/*", "arn:aws:s3:::example-plans-111111111111/plans/*"])
    }
    error_message = "The apply role cannot read plans, or writes something beside its journal."
  }
}

run "it_reads_what_a_plan_reads" {
  command = plan

  assert {
    condition     = toset(keys(aws_iam_role_policy_attachment.apply)) == toset(["read", "data", "api", "identity", "plans", "ca"])
    error_message = "The apply role does not carry the read policy and its own."
  }
}

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
run "policies_fit_into_iam" {
  command = plan

  variables {
    organization      = "an-organization-name0"
    state_bucket_name = "an-organization-name0-tfstate-111111111111"
    plan_bucket_name  = "an-organization-name0-plans-111111111111"
  }

  assert {
    condition     = alltrue([for policy in concat(values(aws_iam_policy.apply), [aws_iam_policy.read, aws_iam_policy.boundary]) : length(policy.policy) <= 6144])
    error_message = "A managed policy is longer than 6,144 characters."
  }
}

run "policies_fit_into_iam_elsewhere" {
  command = plan

  variables {
    organization      = "an-organization-name0"
    state_bucket_name = "an-organization-name0-tfstate-111111111111"
    plan_bucket_name  = "an-organization-name0-plans-111111111111"
    ceremony          = null
  }

  assert {
    condition     = alltrue([for policy in concat(values(aws_iam_policy.apply), [aws_iam_policy.read, aws_iam_policy.boundary]) : length(policy.policy) <= 6144])
    error_message = "A managed policy is longer than 6,144 characters."
  }
}
