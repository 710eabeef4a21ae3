# Asserts who may assume each role: the plan role any job of the repository, the apply and ceremony roles only their
# workflow at main within their environment, beside the principals that are listed. No cloud is called.

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

run "any_job_of_the_repository_may_plan" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role.plan.assume_role_policy).Statement[0] == {
      Sid       = "GitHub"
      Effect    = "Allow"
      Principal = { Federated = "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com" }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = {
        StringEquals = { "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com" }
        StringLike   = { "token.actions.githubusercontent.com:sub" = "repo:example-org/aws-api-gateway-mtls:*" }
      }
    }
    error_message = "The plan role does not trust exactly the repository."
  }
}

run "only_the_apply_workflow_at_main_in_its_environment_may_apply" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role.apply.assume_role_policy).Statement[0] == {
      Sid       = "GitHub"
      Effect    = "Allow"
      Principal = { Federated = "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com" }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = { StringEquals = {
        "token.actions.githubusercontent.com:aud"              = "sts.amazonaws.com"
        "token.actions.githubusercontent.com:sub"              = ["repo:example-org/aws-api-gateway-mtls:environment:security"]
        "token.actions.githubusercontent.com:job_workflow_ref" = "example-org/aws-api-gateway-mtls/.github/workflows/api-infrastructure.yml@refs/heads/main"
      } }
    }
    error_message = "The apply role does not trust exactly one workflow at main in one environment."
  }
}

run "only_the_ceremony_workflow_at_main_in_its_environment_may_sign" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role.ceremony[0].assume_role_policy).Statement[0].Condition == { StringEquals = {
      "token.actions.githubusercontent.com:aud"              = "sts.amazonaws.com"
      "token.actions.githubusercontent.com:sub"              = ["repo:example-org/aws-api-gateway-mtls:environment:security"]
      "token.actions.githubusercontent.com:job_workflow_ref" = "example-org/aws-api-gateway-mtls/.github/workflows/ca-operations.yml@refs/heads/main"
    } }
    error_message = "The ceremony role does not trust exactly one workflow at main in one environment."
  }
}

run "each_environment_of_the_account_and_the_workflow_can_be_named" {
  command = plan

  variables {
    github_environments = ["non-prod", "stage", "dev", "dev"]
    apply_workflow      = ".github/workflows/deploy.yaml"
  }

  assert {
    condition = jsondecode(aws_iam_role.apply.assume_role_policy).Statement[0].Condition.StringEquals == {
      "token.actions.githubusercontent.com:aud"              = "sts.amazonaws.com"
      "token.actions.githubusercontent.com:sub"              = [for name in ["dev", "non-prod", "stage"] : "repo:example-org/aws-api-gateway-mtls:environment:${name}"]
      "token.actions.githubusercontent.com:job_workflow_ref" = "example-org/aws-api-gateway-mtls/.github/workflows/deploy.yaml@refs/heads/main"
    }
    error_message = "The apply role does not follow github_environments and apply_workflow."
  }
}

run "ids_replace_names_in_every_subject" {
  command = plan

  variables {
    github_repository_ids = { owner = "1234", repository = "5678" }
  }

  assert {
    condition = [
      jsondecode(aws_iam_role.plan.assume_role_policy).Statement[0].Condition.StringLike["token.actions.githubusercontent.com:sub"],
      jsondecode(aws_iam_role.apply.assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"][0],
      jsondecode(aws_iam_role.ceremony[0].assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"][0],
      ] == [
      "repo:example-org@1234/aws-api-gateway-mtls@5678:*",
      "repo:example-org@1234/aws-api-gateway-mtls@5678:environment:security",
      "repo:example-org@1234/aws-api-gateway-mtls@5678:environment:security",
    ]
    error_message = "A subject does not carry the ids."
  }
}

run "listed_principals_may_plan_and_apply" {
  command = plan

  assert {
    condition = alltrue([for role in [aws_iam_role.plan, aws_iam_role.apply] : jsondecode(role.assume_role_policy).Statement[1] == {
      Sid       = "TrustedPrincipals"
      Effect    = "Allow"
      Principal = { AWS = ["arn:aws:iam::999999999999:root"] }
      Action    = "sts:AssumeRole"
    }])
    error_message = "The listed principals may not assume the plan and apply roles."
  }
}

run "whoever_deploys_may_not_sign" {
  command = plan

  assert {
    condition     = jsondecode(aws_iam_role.ceremony[0].assume_role_policy).Statement[1].Principal == { AWS = ["arn:aws:iam::111111111111:role/security-officer"] }
    error_message = "The ceremony role does not trust exactly its own holders."
  }
}

run "nobody_beside_github_is_trusted_by_default" {
  command = plan

  variables {
    trusted_principal_arns = []
    ceremony = {
      ca_bucket_name         = "example-ca-111111111111"
      pki_writer_role_arns   = []
      trusted_principal_arns = []
    }
  }

  assert {
    condition     = alltrue([for role in [aws_iam_role.plan, aws_iam_role.apply, aws_iam_role.ceremony[0]] : length(jsondecode(role.assume_role_policy).Statement) == 1])
    error_message = "A role trusts more than GitHub."
  }
}

run "sessions_last_an_hour" {
  command = plan

  assert {
    condition     = alltrue([for role in [aws_iam_role.plan, aws_iam_role.apply, aws_iam_role.ceremony[0]] : role.max_session_duration == 3600])
    error_message = "A session may last longer than an hour."
  }
}

run "the_provider_is_github_for_sts" {
  command = plan

  assert {
    condition     = aws_iam_openid_connect_provider.this[0].url == "https://token.actions.githubusercontent.com" && aws_iam_openid_connect_provider.this[0].client_id_list == toset(["sts.amazonaws.com"])
    error_message = "The OIDC provider is not GitHub's for STS alone."
  }
}

run "an_existing_provider_is_used" {
  command = plan

  variables {
    create_oidc_provider = false
  }

  assert {
    condition     = length(aws_iam_openid_connect_provider.this) == 0
    error_message = "A second OIDC provider would be made, which IAM refuses."
  }

  assert {
    condition     = jsondecode(aws_iam_role.plan.assume_role_policy).Statement[0].Principal == { Federated = "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com" }
    error_message = "The plan role does not trust the provider that is there."
  }
}

run "roles_are_found_by_name" {
  command = plan

  assert {
    condition     = [aws_iam_role.plan.name, aws_iam_role.apply.name, aws_iam_role.ceremony[0].name] == ["example-plan", "example-apply", "example-ceremony"]
    error_message = "The roles are not <organization>-plan, -apply and -ceremony."
  }
}
