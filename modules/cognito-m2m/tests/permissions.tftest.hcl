# The binding key signs for `token` and verifies for `token_binding`, and no administrator can use it; each function may do what it
# must and nothing else.
# No cloud is called: the provider is mocked.

mock_provider "aws" {
  override_during = plan
  source          = "./tests/mocks"
}

run "key_makes_and_checks_macs" {
  command = plan

  assert {
    condition     = aws_kms_key.token_binding.key_usage == "GENERATE_VERIFY_MAC" && aws_kms_key.token_binding.customer_master_key_spec == "HMAC_256"
    error_message = "The key must be an HMAC key."
  }

  assert {
    condition     = aws_kms_key.token_binding.deletion_window_in_days == 30
    error_message = "A deletion must leave 30 days to take it back."
  }

  assert {
    condition     = aws_kms_alias.token_binding.name == "alias/example-dev-token-binding" && aws_kms_alias.token_binding.target_key_id == aws_kms_key.token_binding.key_id
    error_message = "The functions find the key by its alias."
  }
}

run "administrators_cannot_use_the_key" {
  command = plan

  assert {
    condition = length([
      for action in one([for statement in jsondecode(aws_kms_key.token_binding.policy).Statement : statement.Action if statement.Sid == "Administer"]) :
      action if contains(["kms:CreateGrant", "kms:GenerateMac", "kms:VerifyMac"], action) || strcontains(action, "*")
    ]) == 0
    error_message = "Administrators must not use the key, nor grant its use."
  }
}

run "each_function_has_its_half_of_the_key" {
  command = plan

  assert {
    condition = [
      for statement in jsondecode(aws_kms_key.token_binding.policy).Statement :
      { action = statement.Action, condition = statement.Condition } if statement.Sid != "Administer"
      ] == [
      { action = "kms:GenerateMac", condition = { ArnEquals = { "aws:PrincipalArn" = "arn:aws:iam::222222222222:role/example-dev-token" } } },
      { action = "kms:VerifyMac", condition = { ArnEquals = { "aws:PrincipalArn" = "arn:aws:iam::222222222222:role/example-dev-token-binding" } } },
    ]
    error_message = "token must sign and token_binding verify, neither both."
  }
}

run "trigger_may_verify_and_nothing_else" {
  command = plan

  assert {
    condition = jsondecode(module.token_binding.policy).Statement == [{
      Sid      = "VerifyBinding"
      Effect   = "Allow"
      Action   = ["kms:VerifyMac"]
      Resource = ["arn:aws:kms:eu-west-1:222222222222:key/11111111-2222-3333-4444-555555555555"]
    }]
    error_message = "token_binding must be able to verify a MAC with the binding key, and nothing else."
  }
}

run "token_may_read_registry_and_secrets_and_sign" {
  command = plan

  assert {
    condition = { for statement in jsondecode(module.token.policy).Statement : join(",", statement.Action) => statement.Resource } == {
      "dynamodb:GetItem"              = ["arn:aws:dynamodb:eu-west-1:222222222222:table/example-dev-registry"]
      "secretsmanager:GetSecretValue" = ["arn:aws:secretsmanager:eu-west-1:222222222222:secret:example-dev/app-client/*"]
      "kms:GenerateMac"               = ["arn:aws:kms:eu-west-1:222222222222:key/11111111-2222-3333-4444-555555555555"]
    }
    error_message = "token must be able to read its registry and the app clients' secrets and to sign, and nothing else."
  }
}
