# Asserts that every CA generation has a signing key of its own under its alias; that the ceremony role alone may use a
# root's, which is disabled outside a ceremony, and with it the environment's own functions an issuing CA's; and that
# nobody may delegate that, or delete a key within 30 days. No cloud is called.

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
  region             = "eu-west-1"
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

run "each_level_has_its_own_kind_of_key" {
  command = plan

  variables {
    root_key_spec    = "ECC_NIST_P384"
    issuing_key_spec = "ECC_NIST_P256"
  }

  assert {
    condition     = alltrue([for name, key in aws_kms_key.this : key.customer_master_key_spec == (startswith(name, "root-ca-") ? "ECC_NIST_P384" : "ECC_NIST_P256")])
    error_message = "A key does not follow the spec of its level."
  }
}

run "keys_kept_elsewhere_are_not_made" {
  command = plan

  variables {
    root_generations = []
    issuing_cas      = {}
  }

  assert {
    condition     = length(aws_kms_key.this) == 0 && length(aws_cloudwatch_event_rule.root_use) == 0 && length(aws_kms_key.storage) == 0 && output.alarm_topic_arn == null
    error_message = "A key or an alarm is made although another keeper has the keys."
  }
}

run "a_root_key_is_made_disabled" {
  command = plan

  assert {
    condition     = alltrue([for name, key in aws_kms_key.this : key.is_enabled == !startswith(name, "root-ca-")])
    error_message = "A root's key is enabled outside a ceremony, or an issuing CA's is not."
  }
}

run "the_ceremony_alone_enables_a_root_key" {
  command = plan

  assert {
    condition = alltrue([for name, key in aws_kms_key.this : [
      for statement in jsondecode(key.policy).Statement : statement.Principal.AWS
      if statement.Effect == "Allow" && contains(flatten([statement.Action]), "kms:EnableKey")
    ] == [startswith(name, "root-ca-") ? "arn:aws:iam::111111111111:role/example-ceremony" : "arn:aws:iam::111111111111:root"]])
    error_message = "Somebody beside the ceremony role enables a root's key, or the ceremony role enables an issuing CA's."
  }

  assert {
    condition = alltrue([for key in aws_kms_key.this : anytrue([
      for statement in jsondecode(key.policy).Statement : statement.Principal == { AWS = "arn:aws:iam::111111111111:root" } && contains(flatten([statement.Action]), "kms:DisableKey")
    ])])
    error_message = "An administrator could not stop a key."
  }
}

run "a_root_signs_for_the_ceremony_alone" {
  command = plan

  assert {
    condition = alltrue([for name, key in aws_kms_key.this : [
      for statement in jsondecode(key.policy).Statement : statement.Principal.AWS
      if statement.Effect == "Allow" && contains(flatten([statement.Action]), "kms:Sign")
    ] == ["arn:aws:iam::111111111111:role/example-ceremony"] if startswith(name, "root-ca-")])
    error_message = "A root's key policy allows kms:Sign to somebody beside the ceremony role."
  }
}

run "an_issuing_ca_signs_for_its_own_environment_s_functions_too" {
  command = plan

  assert {
    condition = alltrue([for name, key in aws_kms_key.this : [
      for statement in jsondecode(key.policy).Statement : {
        principal = statement.Principal
        condition = try(statement.Condition, null)
      } if statement.Effect == "Allow" && contains(flatten([statement.Action]), "kms:Sign")
      ] == [
      {
        principal = { AWS = "arn:aws:iam::111111111111:role/example-ceremony" }
        condition = null
      },
      {
        principal = { AWS = "arn:aws:iam::111111111111:root" }
        condition = { ArnEquals = { "aws:PrincipalArn" = [
          "arn:aws:iam::111111111111:role/example-${split("-issuing-ca-", name)[0]}-issuer",
          "arn:aws:iam::111111111111:role/example-${split("-issuing-ca-", name)[0]}-crl",
        ] } }
      },
    ] if !startswith(name, "root-ca-")])
    error_message = "An issuing CA's key policy allows kms:Sign to others than the ceremony role and its environment's issuer and crl."
  }
}

run "no_action_has_a_wildcard" {
  command = plan

  assert {
    condition     = alltrue(flatten([for key in aws_kms_key.this : [for statement in jsondecode(key.policy).Statement : [for action in flatten([statement.Action]) : !strcontains(action, "*")]]]))
    error_message = "A key policy has an action with a wildcard, which may cover kms:Sign."
  }
}

run "signing_is_denied_to_everybody_else" {
  command = plan

  assert {
    condition = alltrue([for name, key in aws_kms_key.this : one([for statement in jsondecode(key.policy).Statement : alltrue([
      statement.Effect == "Deny",
      statement.Principal == { AWS = "*" },
      statement.Action == "kms:Sign",
      toset(statement.Condition.ArnNotEquals["aws:PrincipalArn"]) == toset(concat(
        ["arn:aws:iam::111111111111:role/example-ceremony"],
        [for function in ["issuer", "crl"] : "arn:aws:iam::111111111111:role/example-${split("-issuing-ca-", name)[0]}-${function}" if !startswith(name, "root-ca-")],
      )),
    ]) if statement.Sid == "NobodyElseSigns"])])
    error_message = "A key policy does not deny kms:Sign to everybody but those who are allowed to sign."
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
    condition     = length(regexall("prevent_destroy = true", file("${path.module}/main.tf"))) == 3
    error_message = "CA keys, the key over stored ones, and the bucket are not all protected by prevent_destroy."
  }
}

run "terraform_leaves_a_key_as_the_ceremony_left_it" {
  command = plan

  assert {
    condition     = strcontains(file("${path.module}/main.tf"), "ignore_changes = [customer_master_key_spec, is_enabled]")
    error_message = "Terraform would enable or disable keys, or make another key of an existing one."
  }
}

run "stored_keys_are_read_by_the_ceremony_alone" {
  command = plan

  variables {
    stores_keys = true
  }

  assert {
    condition     = aws_kms_alias.storage[0].name == "alias/example-ca-storage" && aws_kms_key.storage[0].enable_key_rotation
    error_message = "The key over stored CA keys is not alias/<organization>-ca-storage, or does not rotate."
  }

  assert {
    condition = [for statement in jsondecode(aws_kms_key.storage[0].policy).Statement : statement.Principal.AWS
      if statement.Effect == "Allow" && length(setintersection(["kms:Decrypt", "kms:GenerateDataKey", "kms:CreateGrant"], flatten([statement.Action]))) > 0
    ] == ["arn:aws:iam::111111111111:role/example-ceremony"]
    error_message = "Somebody beside the ceremony role may read stored CA keys."
  }

  assert {
    condition = one([for statement in jsondecode(aws_kms_key.storage[0].policy).Statement : alltrue([
      statement.Effect == "Deny",
      statement.Action == "kms:Decrypt",
      statement.Condition == { ArnNotEquals = { "aws:PrincipalArn" = "arn:aws:iam::111111111111:role/example-ceremony" } },
    ]) if statement.Sid == "NobodyElseReads"])
    error_message = "Reading stored CA keys is not denied to everybody else."
  }
}
