# Asserts that state is versioned, encrypted, private, reached over TLS only, and outlives a destroy.
# No cloud is called.

mock_provider "aws" {
  override_during = plan
}

variables {
  bucket_name = "example-tfstate-111111111111"
}

run "state_is_versioned" {
  command = plan

  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled"
    error_message = "Versioning is not enabled."
  }
}

run "superseded_versions_stay_ninety_days_and_the_ten_newest_for_good" {
  command = plan

  assert {
    condition     = one(aws_s3_bucket_lifecycle_configuration.this.rule[*].status) == "Enabled"
    error_message = "The one lifecycle rule is not enabled."
  }

  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.this.rule[0].noncurrent_version_expiration[0].noncurrent_days == 90
    error_message = "Superseded versions do not stay 90 days."
  }

  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.this.rule[0].noncurrent_version_expiration[0].newer_noncurrent_versions == 10
    error_message = "The ten newest superseded versions do not stay."
  }

  assert {
    condition     = length(aws_s3_bucket_lifecycle_configuration.this.rule[0].expiration) == 0
    error_message = "The current state expires."
  }
}

run "state_is_encrypted" {
  command = plan

  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "AES256"
    error_message = "The bucket does not encrypt with SSE-S3."
  }
}

run "state_is_private" {
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

  assert {
    condition     = alltrue([for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : statement.Effect == "Deny"])
    error_message = "The bucket policy grants something."
  }
}

run "state_travels_over_tls_only" {
  command = plan

  assert {
    condition = anytrue([for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : alltrue([
      statement.Effect == "Deny",
      statement.Principal == "*",
      statement.Action == "s3:*",
      toset(statement.Resource) == toset(["arn:aws:s3:::example-tfstate-111111111111", "arn:aws:s3:::example-tfstate-111111111111/*"]),
      statement.Condition == { Bool = { "aws:SecureTransport" = "false" } },
    ])])
    error_message = "The bucket policy does not deny plain HTTP to bucket and objects."
  }
}

# A plan cannot show lifecycle arguments: the source is read instead.
run "state_outlives_a_destroy" {
  command = plan

  assert {
    condition     = can(regex("resource \"aws_s3_bucket\" \"this\" {[^}]*lifecycle {\\s*prevent_destroy = true", file("${path.module}/main.tf")))
    error_message = "The bucket is not protected by prevent_destroy."
  }

  assert {
    condition     = aws_s3_bucket.this.force_destroy == false
    error_message = "The bucket may be destroyed with state in it."
  }
}
