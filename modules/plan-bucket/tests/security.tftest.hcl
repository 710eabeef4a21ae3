# Asserts that plans are written once by the plan role, read by the apply role alone, deleted by nobody, encrypted with a
# key that the plan role cannot decrypt with, private, and gone in time. No cloud is called.

mock_provider "aws" {
  override_during = plan

  mock_resource "aws_kms_key" {
    defaults = {
      arn = "arn:aws:kms:eu-west-1:111111111111:key/00000000-1111-2222-3333-444444444444"
    }
  }
}

run "the_bucket_s_policy_only_denies" {
  command = plan

  assert {
    condition     = alltrue([for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : statement.Effect == "Deny" && statement.Principal == "*"])
    error_message = "The bucket policy grants something, or denies some only."
  }
}

run "the_apply_role_alone_reads" {
  command = plan

  assert {
    condition = one([for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : alltrue([
      toset(statement.Action) == toset(["s3:GetObject", "s3:GetObjectVersion"]),
      statement.Resource == "arn:aws:s3:::example-plans-111111111111/*",
      statement.Condition == { ArnNotEquals = { "aws:PrincipalArn" = "arn:aws:iam::111111111111:role/example-apply" } },
    ]) if statement.Sid == "ApplyRoleAloneReads"])
    error_message = "Somebody beside the apply role may read plans."
  }
}

run "a_plan_is_written_by_the_plan_role_alone_and_once" {
  command = plan

  assert {
    condition = { for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : statement.Sid => statement.Condition if try(statement.Resource, "") == "arn:aws:s3:::example-plans-111111111111/plans/*" && statement.Action == "s3:PutObject" } == {
      PlanRoleAloneWritesPlans = { ArnNotEquals = { "aws:PrincipalArn" = "arn:aws:iam::111111111111:role/example-plan" } }
      PlansAreNeverOverwritten = { Null = { "s3:if-none-match" = "true" } }
    }
    error_message = "A plan could be replaced, or written by somebody beside the plan role."
  }
}

run "the_journal_is_the_apply_role_s" {
  command = plan

  assert {
    condition = one([for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : alltrue([
      statement.Action == "s3:PutObject",
      statement.Resource == "arn:aws:s3:::example-plans-111111111111/applied/*",
      statement.Condition == { ArnNotEquals = { "aws:PrincipalArn" = "arn:aws:iam::111111111111:role/example-apply" } },
    ]) if statement.Sid == "ApplyRoleAloneWritesTheJournal"])
    error_message = "Somebody beside the apply role may write the journal."
  }

  assert {
    condition = one([for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : alltrue([
      statement.Action == "s3:PutObject",
      toset(statement.NotResource) == toset(["arn:aws:s3:::example-plans-111111111111/plans/*", "arn:aws:s3:::example-plans-111111111111/applied/*"]),
      !contains(keys(statement), "Condition"),
    ]) if statement.Sid == "NothingElseIsWritten"])
    error_message = "Something beside plans and the journal may be written."
  }
}

run "nobody_deletes" {
  command = plan

  assert {
    condition = one([for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : alltrue([
      toset(statement.Action) == toset(["s3:DeleteObject", "s3:DeleteObjectVersion"]),
      statement.Resource == "arn:aws:s3:::example-plans-111111111111/*",
      !contains(keys(statement), "Condition"),
    ]) if statement.Sid == "NobodyDeletes"])
    error_message = "A plan may be deleted."
  }
}

run "plans_travel_over_tls_only" {
  command = plan

  assert {
    condition = one([for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : alltrue([
      statement.Action == "s3:*",
      toset(statement.Resource) == toset(["arn:aws:s3:::example-plans-111111111111", "arn:aws:s3:::example-plans-111111111111/*"]),
      statement.Condition == { Bool = { "aws:SecureTransport" = "false" } },
    ]) if statement.Sid == "DenyInsecureTransport"])
    error_message = "The bucket policy does not deny plain HTTP to bucket and objects."
  }
}

run "plans_are_encrypted_with_the_key" {
  command = plan

  assert {
    condition = one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default[0] == {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.this.arn
    }
    error_message = "The bucket does not encrypt with its key."
  }

  assert {
    condition = one([for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : statement.Condition if statement.Sid == "NoWeakerEncryption"]) == {
      Null            = { "s3:x-amz-server-side-encryption" = "false" }
      StringNotEquals = { "s3:x-amz-server-side-encryption" = "aws:kms" }
    }
    error_message = "An object may be written with another encryption."
  }

  assert {
    condition     = aws_kms_key.this.enable_key_rotation
    error_message = "The key does not rotate."
  }
}

run "the_apply_role_alone_decrypts_and_nobody_outside_s3" {
  command = plan

  assert {
    condition = [for statement in jsondecode(aws_kms_key.this.policy).Statement : statement.Condition if statement.Effect == "Allow" && contains(flatten([statement.Action]), "kms:Decrypt")] == [{
      ArnEquals    = { "aws:PrincipalArn" = "arn:aws:iam::111111111111:role/example-apply" }
      StringEquals = { "kms:ViaService" = "s3.eu-west-1.amazonaws.com" }
    }]
    error_message = "Somebody beside the apply role may decrypt, or outside S3."
  }

  assert {
    condition = one([for statement in jsondecode(aws_kms_key.this.policy).Statement : alltrue([
      statement.Effect == "Deny",
      statement.Principal == { AWS = "*" },
      toset(statement.Action) == toset(["kms:Decrypt", "kms:ReEncrypt*"]),
      statement.Condition == { ArnNotEquals = { "aws:PrincipalArn" = "arn:aws:iam::111111111111:role/example-apply" } },
    ]) if statement.Sid == "NobodyElseReads"])
    error_message = "A policy elsewhere could let somebody decrypt."
  }

  assert {
    condition     = !contains(flatten([for statement in jsondecode(aws_kms_key.this.policy).Statement : statement.Action if statement.Effect == "Allow"]), "kms:CreateGrant")
    error_message = "The use of the key could be passed on."
  }
}

run "plans_are_private" {
  command = plan

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.this.block_public_acls,
      aws_s3_bucket_public_access_block.this.block_public_policy,
      aws_s3_bucket_public_access_block.this.ignore_public_acls,
      aws_s3_bucket_public_access_block.this.restrict_public_buckets,
    ])
    error_message = "Public access is not blocked in all four ways."
  }

  assert {
    condition     = aws_s3_bucket_ownership_controls.this.rule[0].object_ownership == "BucketOwnerEnforced"
    error_message = "ACLs are not disabled."
  }
}

run "versions_are_kept_and_plans_expire" {
  command = plan

  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled"
    error_message = "Versioning is not enabled."
  }

  assert {
    condition     = { for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule.filter[0].prefix => rule.expiration[0].days if rule.status == "Enabled" && length(rule.expiration) > 0 } == { "plans/" = 30, "applied/" = 400 }
    error_message = "Plans do not expire after 30 days, or the journal not after 400."
  }

  assert {
    condition     = one([for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule.noncurrent_version_expiration[0].noncurrent_days if rule.id == "expire-plans"]) == 1
    error_message = "A plan's versions outlive it."
  }
}

# A plan cannot show lifecycle arguments: the source is read instead.
run "the_bucket_outlives_a_destroy" {
  command = plan

  assert {
    condition     = can(regex("resource \"aws_s3_bucket\" \"this\" {[^}]*lifecycle {\\s*prevent_destroy = true", file("${path.module}/main.tf")))
    error_message = "The bucket is not protected by prevent_destroy."
  }

  assert {
    condition     = aws_s3_bucket.this.force_destroy == false
    error_message = "The bucket may be destroyed with plans in it."
  }
}
