# Asserts that transcripts are object-locked, versioned, encrypted, private, reached over TLS only, written by the
# ceremony role alone, and never replaced or deleted. No cloud is called.

mock_provider "aws" {
  override_during = plan
}

run "the_bucket_is_found_by_name" {
  command = plan

  assert {
    condition     = output.bucket_name == "example-ceremony-log-111111111111"
    error_message = "The bucket is not <organization>-ceremony-log-<account id>."
  }
}

run "transcripts_are_locked_for_ten_years_against_everybody" {
  command = plan

  assert {
    condition     = aws_s3_bucket.log.object_lock_enabled && aws_s3_bucket_versioning.log.versioning_configuration[0].status == "Enabled"
    error_message = "Object lock or versioning is off."
  }

  assert {
    condition     = aws_s3_bucket_object_lock_configuration.log.rule[0].default_retention[0].days == 3653 && aws_s3_bucket_object_lock_configuration.log.rule[0].default_retention[0].mode == "COMPLIANCE"
    error_message = "An entry is not locked for ten years in mode COMPLIANCE."
  }
}

run "retention_can_be_tried_out" {
  command = plan

  variables {
    retention = { mode = "GOVERNANCE", days = 1 }
  }

  assert {
    condition     = aws_s3_bucket_object_lock_configuration.log.rule[0].default_retention[0].days == 1 && aws_s3_bucket_object_lock_configuration.log.rule[0].default_retention[0].mode == "GOVERNANCE"
    error_message = "The retention does not follow its variable."
  }
}

run "transcripts_are_private_and_encrypted" {
  command = plan

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.log.block_public_acls,
      aws_s3_bucket_public_access_block.log.block_public_policy,
      aws_s3_bucket_public_access_block.log.ignore_public_acls,
      aws_s3_bucket_public_access_block.log.restrict_public_buckets,
      aws_s3_bucket_ownership_controls.log.rule[0].object_ownership == "BucketOwnerEnforced",
      one(aws_s3_bucket_server_side_encryption_configuration.log.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "AES256",
      aws_s3_bucket.log.force_destroy == false,
    ])
    error_message = "The bucket is public, has ACLs, is not encrypted, or may be destroyed with transcripts in it."
  }

  assert {
    condition     = alltrue([for statement in jsondecode(aws_s3_bucket_policy.log.policy).Statement : statement.Effect == "Deny" && statement.Principal == "*"])
    error_message = "The bucket policy grants something, or spares somebody."
  }
}

run "transcripts_travel_over_tls_only" {
  command = plan

  assert {
    condition = one([for statement in jsondecode(aws_s3_bucket_policy.log.policy).Statement : alltrue([
      statement.Action == "s3:*",
      toset(statement.Resource) == toset(["arn:aws:s3:::example-ceremony-log-111111111111", "arn:aws:s3:::example-ceremony-log-111111111111/*"]),
      statement.Condition == { Bool = { "aws:SecureTransport" = "false" } },
    ]) if statement.Sid == "DenyInsecureTransport"])
    error_message = "The bucket policy does not deny plain HTTP to bucket and objects."
  }
}

run "the_ceremony_alone_writes" {
  command = plan

  assert {
    condition = one([for statement in jsondecode(aws_s3_bucket_policy.log.policy).Statement : alltrue([
      statement.Action == "s3:PutObject",
      statement.Resource == "arn:aws:s3:::example-ceremony-log-111111111111/*",
      statement.Condition == { ArnNotEquals = { "aws:PrincipalArn" = "arn:aws:iam::111111111111:role/example-ceremony" } },
    ]) if statement.Sid == "CeremonyAloneWrites"])
    error_message = "Somebody beside the ceremony role may write."
  }
}

run "an_entry_is_never_replaced" {
  command = plan

  assert {
    condition = one([for statement in jsondecode(aws_s3_bucket_policy.log.policy).Statement : alltrue([
      statement.Action == "s3:PutObject",
      statement.Resource == "arn:aws:s3:::example-ceremony-log-111111111111/*",
      statement.Condition == {
        Null = { "s3:if-none-match" = "true" }
        Bool = { "s3:ObjectCreationOperation" = "true" }
      },
    ]) if statement.Sid == "NobodyOverwrites"])
    error_message = "A write without If-None-Match is not denied."
  }
}

run "an_entry_is_never_deleted" {
  command = plan

  assert {
    condition = one([for statement in jsondecode(aws_s3_bucket_policy.log.policy).Statement : alltrue([
      toset(statement.Action) == toset(["s3:DeleteObject", "s3:DeleteObjectVersion"]),
      statement.Resource == "arn:aws:s3:::example-ceremony-log-111111111111/*",
      !contains(keys(statement), "Condition"),
    ]) if statement.Sid == "NobodyDeletes"])
    error_message = "Entries or their versions may be deleted."
  }

  assert {
    condition = one([for statement in jsondecode(aws_s3_bucket_policy.log.policy).Statement : alltrue([
      toset(statement.Action) == toset(["s3:BypassGovernanceRetention", "s3:PutObjectLegalHold", "s3:PutObjectRetention"]),
      !contains(keys(statement), "Condition"),
    ]) if statement.Sid == "NobodyShortensRetention"])
    error_message = "Somebody may choose another retention, or go by it."
  }
}

# A plan cannot show lifecycle arguments: the source is read instead.
run "transcripts_key_and_events_outlive_a_destroy" {
  command = plan

  assert {
    condition     = length(regexall("prevent_destroy = true", file("${path.module}/main.tf"))) == 3
    error_message = "Both buckets and the key are not protected by prevent_destroy."
  }
}
