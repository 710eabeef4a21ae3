# Asserts that every CA generation has a signing key of its own under its alias, which the ceremony role alone may
# use, nobody may delegate, and nobody may delete within 30 days. No cloud is called.

mock_provider "aws" {
  override_during = plan

  mock_resource "aws_kms_key" {
    defaults = {
      key_id = "12345678-1234-1234-1234-123456789012"
    }
  }
}

variables {
  organization       = "example"
  account_id         = "111111111111"
  ceremony_role_name = "example-ceremony"
  root_generations   = ["g1", "g2"]
  issuing_cas        = { dev = ["g1"], stage = ["g1", "g3"] }
}

run "every_generation_has_its_key_and_alias" {
  command = plan

  assert {
    condition = toset(values(aws_kms_alias.this)[*].name) == toset([
      "alias/example-root-ca-g1",
      "alias/example-root-ca-g2",
      "alias/example-dev-issuing-ca-g1",
      "alias/example-stage-issuing-ca-g1",
      "alias/example-stage-issuing-ca-g3",
    ])
    error_message = "The aliases are not those of the generations asked for."
  }

  assert {
    condition     = toset(keys(aws_kms_key.this)) == toset(keys(aws_kms_alias.this))
    error_message = "A key has no alias, or an alias no key of its own."
  }

  assert {
    condition     = output.root_key_aliases == { g1 = "alias/example-root-ca-g1", g2 = "alias/example-root-ca-g2" }
    error_message = "root_key_aliases is not generation -> alias."
  }

  assert {
    condition     = output.issuing_key_aliases["stage"]["g3"] == "alias/example-stage-issuing-ca-g3" && output.issuing_key_aliases["dev"]["g1"] == "alias/example-dev-issuing-ca-g1"
    error_message = "issuing_key_aliases is not environment -> generation -> alias."
  }
}

run "keys_sign_and_are_rsa_4096" {
  command = plan

  assert {
    condition     = alltrue([for key in aws_kms_key.this : key.key_usage == "SIGN_VERIFY" && key.customer_master_key_spec == "RSA_4096"])
    error_message = "A key is not an RSA_4096 key for signing."
  }
}

run "keys_may_be_elliptic" {
  command = plan

  variables {
    key_spec = "ECC_NIST_P384"
  }

  assert {
    condition     = alltrue([for key in aws_kms_key.this : key.customer_master_key_spec == "ECC_NIST_P384"])
    error_message = "A key does not follow key_spec."
  }
}

run "the_ceremony_alone_is_allowed_to_sign" {
  command = plan

  assert {
    condition = alltrue([for key in aws_kms_key.this : [
      for statement in jsondecode(key.policy).Statement : statement.Principal.AWS
      if statement.Effect == "Allow" && anytrue([for action in flatten([statement.Action]) : contains(["kms:sign", "kms:s*", "kms:*", "*"], lower(action))])
    ] == ["arn:aws:iam::111111111111:role/example-ceremony"]])
    error_message = "A key policy allows kms:Sign to somebody beside the ceremony role."
  }

  assert {
    condition     = alltrue(flatten([for key in aws_kms_key.this : [for statement in jsondecode(key.policy).Statement : [for action in flatten([statement.Action]) : !strcontains(action, "*")]]]))
    error_message = "A key policy has an action with a wildcard, which may cover kms:Sign."
  }
}

run "signing_is_denied_to_everybody_else" {
  command = plan

  assert {
    condition = alltrue([for key in aws_kms_key.this : anytrue([for statement in jsondecode(key.policy).Statement : alltrue([
      statement.Effect == "Deny",
      statement.Principal == { AWS = "*" },
      try(statement.Action == "kms:Sign", false),
      try(statement.Condition == { ArnNotEquals = { "aws:PrincipalArn" = "arn:aws:iam::111111111111:role/example-ceremony" } }, false),
    ])])])
    error_message = "A key policy does not deny kms:Sign to everybody but the ceremony role."
  }
}

run "signing_cannot_be_delegated" {
  command = plan

  assert {
    condition = alltrue([for key in aws_kms_key.this : anytrue([for statement in jsondecode(key.policy).Statement : alltrue([
      statement.Effect == "Deny",
      statement.Principal == { AWS = "*" },
      try(statement.Action == "kms:CreateGrant", false),
      !contains(keys(statement), "Condition"),
    ])])])
    error_message = "A grant could pass kms:Sign on."
  }
}

run "the_account_can_still_administer" {
  command = plan

  # A key whose policy forgets the account can be changed by nobody, not even by AWS.
  assert {
    condition = alltrue([for key in aws_kms_key.this : anytrue([for statement in jsondecode(key.policy).Statement : alltrue([
      statement.Effect == "Allow",
      statement.Principal == { AWS = "arn:aws:iam::111111111111:root" },
      contains(flatten([statement.Action]), "kms:PutKeyPolicy"),
    ])])])
    error_message = "Nobody may change the key policy."
  }
}

run "deletion_waits_thirty_days" {
  command = plan

  assert {
    condition     = alltrue([for key in aws_kms_key.this : key.deletion_window_in_days == 30])
    error_message = "A key would be gone before 30 days."
  }

  assert {
    condition = alltrue([for key in aws_kms_key.this : anytrue([for statement in jsondecode(key.policy).Statement : alltrue([
      statement.Effect == "Deny",
      statement.Principal == { AWS = "*" },
      try(statement.Action == "kms:ScheduleKeyDeletion", false),
      try(statement.Condition == { NumericLessThan = { "kms:ScheduleKeyDeletionPendingWindowInDays" = "30" } }, false),
    ])])])
    error_message = "A key policy does not deny a shorter waiting time."
  }
}

# A plan cannot show lifecycle arguments: the source is read instead.
run "keys_and_certificates_outlive_a_destroy" {
  command = plan

  assert {
    condition     = length(regexall("prevent_destroy = true", file("${path.module}/main.tf"))) == 2
    error_message = "Keys and bucket are not both protected by prevent_destroy."
  }
}
