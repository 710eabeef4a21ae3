# Asserts that bundles are versioned, encrypted, private, reached over TLS only, that no version can be lost,
# and that the bucket outlives a destroy. No cloud is called.

mock_provider "aws" {
  override_during = plan
}

variables {
  bucket_name = "example-dev-truststore-222222222222"
}

run "bundles_are_versioned" {
  command = plan

  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled"
    error_message = "Versioning is not enabled."
  }
}

run "no_version_can_be_lost" {
  command = plan

  assert {
    condition = anytrue([for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : alltrue([
      statement.Effect == "Deny",
      statement.Principal == "*",
      try(toset(statement.Action) == toset(["s3:DeleteObject", "s3:DeleteObjectVersion"]), false),
      statement.Resource == "arn:aws:s3:::example-dev-truststore-222222222222/*",
      !contains(keys(statement), "Condition"),
    ])])
    error_message = "The bucket policy does not deny everyone to delete bundles and their versions."
  }

  # A pin names a version, however old: no rule may expire one.
  assert {
    condition     = !strcontains(file("${path.module}/main.tf"), "aws_s3_bucket_lifecycle_configuration")
    error_message = "A lifecycle rule may expire versions that are pinned."
  }
}

run "bundles_are_encrypted" {
  command = plan

  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "AES256"
    error_message = "The bucket does not encrypt with SSE-S3."
  }
}

run "bundles_are_private" {
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

run "bundles_travel_over_tls_only" {
  command = plan

  assert {
    condition = anytrue([for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : alltrue([
      statement.Effect == "Deny",
      statement.Principal == "*",
      try(statement.Action == "s3:*", false),
      try(toset(statement.Resource) == toset(["arn:aws:s3:::example-dev-truststore-222222222222", "arn:aws:s3:::example-dev-truststore-222222222222/*"]), false),
      try(statement.Condition == { Bool = { "aws:SecureTransport" = "false" } }, false),
    ])])
    error_message = "The bucket policy does not deny plain HTTP to bucket and objects."
  }
}

# A plan cannot show lifecycle arguments: the source is read instead.
run "bundles_outlive_a_destroy" {
  command = plan

  assert {
    condition     = can(regex("resource \"aws_s3_bucket\" \"this\" {[^}]*lifecycle {\\s*prevent_destroy = true", file("${path.module}/main.tf")))
    error_message = "The bucket is not protected by prevent_destroy."
  }

  assert {
    condition     = aws_s3_bucket.this.force_destroy == false
    error_message = "The bucket may be destroyed with bundles in it."
  }
}
