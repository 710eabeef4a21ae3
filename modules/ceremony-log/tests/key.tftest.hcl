# Asserts that the transcript key signs for the ceremony role alone, that nobody may delegate it, and that nobody may
# delete it within 30 days. No cloud is called.

mock_provider "aws" {
  override_during = plan

  mock_resource "aws_kms_key" {
    defaults = {
      key_id = "12345678-1234-1234-1234-123456789012"
    }
  }
}

run "the_key_signs_on_p_256_and_is_found_by_its_alias" {
  command = plan

  assert {
    condition     = aws_kms_key.this.key_usage == "SIGN_VERIFY" && aws_kms_key.this.customer_master_key_spec == "ECC_NIST_P256"
    error_message = "The key is not a P-256 key for signing."
  }

  assert {
    condition     = output.transcript_key_alias == "alias/example-transcript"
    error_message = "The alias is not alias/<organization>-transcript."
  }
}

run "the_ceremony_alone_is_allowed_to_sign" {
  command = plan

  assert {
    condition = [
      for statement in jsondecode(aws_kms_key.this.policy).Statement : statement.Principal.AWS
      if statement.Effect == "Allow" && anytrue([for action in flatten([statement.Action]) : contains(["kms:sign", "kms:s*", "kms:*", "*"], lower(action))])
    ] == ["arn:aws:iam::111111111111:role/example-ceremony"]
    error_message = "The key policy allows kms:Sign to somebody beside the ceremony role."
  }

  assert {
    condition = anytrue([for statement in jsondecode(aws_kms_key.this.policy).Statement : alltrue([
      statement.Effect == "Deny",
      statement.Principal == { AWS = "*" },
      try(statement.Action == "kms:Sign", false),
      try(statement.Condition == { ArnNotEquals = { "aws:PrincipalArn" = "arn:aws:iam::111111111111:role/example-ceremony" } }, false),
    ])])
    error_message = "The key policy does not deny kms:Sign to everybody but the ceremony role."
  }

  assert {
    condition     = alltrue(flatten([for statement in jsondecode(aws_kms_key.this.policy).Statement : [for action in flatten([statement.Action]) : !strcontains(action, "*")]]))
    error_message = "The key policy has an action with a wildcard, which may cover kms:Sign."
  }
}

run "signing_cannot_be_delegated" {
  command = plan

  assert {
    condition = anytrue([for statement in jsondecode(aws_kms_key.this.policy).Statement : alltrue([
      statement.Effect == "Deny",
      statement.Principal == { AWS = "*" },
      try(statement.Action == "kms:CreateGrant", false),
      !contains(keys(statement), "Condition"),
    ])])
    error_message = "A grant could pass kms:Sign on."
  }
}

run "the_account_can_still_administer" {
  command = plan

  assert {
    condition = anytrue([for statement in jsondecode(aws_kms_key.this.policy).Statement : alltrue([
      statement.Effect == "Allow",
      statement.Principal == { AWS = "arn:aws:iam::111111111111:root" },
      contains(flatten([statement.Action]), "kms:PutKeyPolicy"),
    ])])
    error_message = "Nobody may change the key policy."
  }
}

run "deletion_waits_thirty_days" {
  command = plan

  assert {
    condition     = aws_kms_key.this.deletion_window_in_days == 30
    error_message = "The key would be gone before 30 days."
  }

  assert {
    condition = anytrue([for statement in jsondecode(aws_kms_key.this.policy).Statement : alltrue([
      statement.Effect == "Deny",
      statement.Principal == { AWS = "*" },
      try(statement.Action == "kms:ScheduleKeyDeletion", false),
      try(statement.Condition == { NumericLessThan = { "kms:ScheduleKeyDeletionPendingWindowInDays" = "30" } }, false),
    ])])
    error_message = "The key policy does not deny a shorter waiting time."
  }
}
