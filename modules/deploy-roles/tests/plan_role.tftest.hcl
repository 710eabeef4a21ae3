# Asserts what the plan role may do: read state and settings, write and remove the lock and put plans, and see no
# secret, no record and no object but state. No cloud is called.

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

run "it_reads_state" {
  command = plan

  assert {
    condition     = one([for statement in jsondecode(aws_iam_policy.read.policy).Statement : statement.Resource if statement.Effect == "Allow" && contains(flatten([statement.Action]), "s3:GetObject")]) == "arn:aws:s3:::example-tfstate-111111111111/*"
    error_message = "It reads other objects than state, or no state."
  }
}

run "it_only_reads" {
  command = plan

  assert {
    condition = alltrue(flatten([for statement in jsondecode(aws_iam_policy.read.policy).Statement : [
      for action in flatten([statement.Action]) : can(regex("^[a-z0-9-]+:(Get|List|Describe|GET)", action))
    ]]))
    error_message = "The read policy has an action that does not read."
  }

  assert {
    condition     = length(setintersection(flatten([for statement in jsondecode(aws_iam_policy.read.policy).Statement : flatten([statement.Action])]), ["s3:Get*", "s3:GetObject*", "dynamodb:Get*", "secretsmanager:Get*", "lambda:Get*", "cognito-idp:Describe*", "logs:Get*", "iam:Get*", "kms:Get*", "ssm:Get*"])) == 0
    error_message = "A wildcard covers actions that answer with data or secrets."
  }
}

# Native locking puts, reads and removes <key>.tflock, even for a plan; state beside it is read and never written.
# https://developer.hashicorp.com/terraform/language/backend/s3#permissions-required
run "it_writes_locks_and_plans_alone" {
  command = plan

  assert {
    condition = { for statement in jsondecode(aws_iam_role_policy.plan.policy).Statement : statement.Sid => [join(" ", sort(flatten([statement.Action]))), statement.Resource] if statement.Effect == "Allow" } == {
      StateLock = ["s3:DeleteObject s3:PutObject", "arn:aws:s3:::example-tfstate-111111111111/*.tflock"]
      Plans     = ["s3:PutObject", "arn:aws:s3:::example-plans-111111111111/plans/*"]
      PlanKey   = ["kms:GenerateDataKey", "arn:aws:kms:eu-west-1:111111111111:key/*"]
    }
    error_message = "The plan role cannot put and remove the lock, or writes something beside locks and plans."
  }

  assert {
    condition     = alltrue([for suffix in ["terraform.tfstate.tflock"] : one([for statement in jsondecode(aws_iam_policy.read.policy).Statement : can(regex("^${replace(statement.Resource, "*", ".*")}$", "arn:aws:s3:::example-tfstate-111111111111/non-prod/eu-west-1/dev/registry/${suffix}")) if statement.Sid == "State"])])
    error_message = "The plan role cannot read the lock that somebody else holds."
  }
}

run "it_writes_a_plan_once_and_encrypts_with_the_plans_key_through_s3" {
  command = plan

  assert {
    condition = { for statement in jsondecode(aws_iam_role_policy.plan.policy).Statement : statement.Sid => statement.Condition if statement.Effect == "Allow" && statement.Sid != "StateLock" } == {
      Plans = { Null = { "s3:if-none-match" = "false" } }
      PlanKey = {
        "ForAnyValue:StringEquals" = { "kms:ResourceAliases" = "alias/example-plans" }
        StringEquals               = { "kms:ViaService" = "s3.eu-west-1.amazonaws.com" }
      }
    }
    error_message = "The plan role could replace a plan, or use another key."
  }
}

run "it_never_reads_a_plan" {
  command = plan

  # Denied by what is not state, whatever else is attached; and its key is denied to it for decryption.
  assert {
    condition = one([for statement in jsondecode(aws_iam_role_policy.plan.policy).Statement : alltrue([
      statement.Effect == "Deny",
      !can(regex("^${replace(statement.NotResource, "*", ".*")}$", "arn:aws:s3:::example-plans-111111111111/plans/0/plan-set.json")),
      !contains(keys(statement), "Condition"),
    ]) if statement.Sid == "NoObjectsButState"])
    error_message = "The plan role may read plans."
  }
}

run "it_is_denied_secrets" {
  command = plan

  assert {
    condition = one([for statement in jsondecode(aws_iam_role_policy.plan.policy).Statement : alltrue([
      statement.Effect == "Deny",
      statement.Resource == "*",
      !contains(keys(statement), "Condition"),
      length(setsubtract(["secretsmanager:GetSecretValue", "secretsmanager:BatchGetSecretValue", "kms:Decrypt", "cognito-idp:DescribeUserPoolClient"], statement.Action)) == 0,
    ]) if statement.Sid == "NoSecrets"])
    error_message = "The plan role may read secrets, SecureStrings or an app client's secret."
  }
}

run "it_is_denied_the_use_of_keys" {
  command = plan

  assert {
    condition     = one([for statement in jsondecode(aws_iam_role_policy.plan.policy).Statement : length(setsubtract(["kms:Sign", "kms:GenerateMac"], statement.Action)) == 0 if statement.Sid == "NoSecrets"])
    error_message = "The plan role may sign or make a binding."
  }
}

run "it_is_denied_every_object_but_state" {
  command = plan

  assert {
    condition = one([for statement in jsondecode(aws_iam_role_policy.plan.policy).Statement : alltrue([
      statement.Effect == "Deny",
      statement.NotResource == "arn:aws:s3:::example-tfstate-111111111111/*",
      toset(statement.Action) == toset(["s3:GetObject", "s3:GetObjectVersion"]),
    ]) if statement.Sid == "NoObjectsButState"])
    error_message = "The plan role may read objects beside state."
  }
}

run "it_is_denied_records_and_logs" {
  command = plan

  assert {
    condition = one([for statement in jsondecode(aws_iam_role_policy.plan.policy).Statement : alltrue([
      statement.Effect == "Deny",
      statement.Resource == "*",
      length(setsubtract(["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:Scan", "logs:GetLogEvents", "logs:FilterLogEvents"], statement.Action)) == 0,
    ]) if statement.Sid == "NoRecords"])
    error_message = "The plan role may read the registry's records or logs."
  }
}

run "it_does_not_read_api_keys" {
  command = plan

  assert {
    condition = alltrue(flatten([for statement in jsondecode(aws_iam_policy.read.policy).Statement : [
      for resource in flatten([statement.Resource]) : can(regex("^arn:aws:apigateway:eu-west-1::/(apis|domainnames|tags)(/\\*)?$", resource))
    ] if contains(flatten([statement.Action]), "apigateway:GET")]))
    error_message = "The read policy reaches beyond HTTP APIs and custom domains."
  }
}
