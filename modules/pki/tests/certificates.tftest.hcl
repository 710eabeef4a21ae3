# Asserts that CA certificates are versioned, encrypted, private, reached over TLS only, written by the ceremony role
# alone, and never replaced or deleted. No cloud is called.

mock_provider "aws" {
  override_during = plan
}

variables {
  organization       = "example"
  account_id         = "111111111111"
  region             = "eu-west-1"
  ceremony_role_name = "example-ceremony"
}

run "the_bucket_is_found_by_name" {
  command = plan

  assert {
    condition     = output.ca_bucket_name == "example-ca-111111111111"
    error_message = "The bucket is not <organization>-ca-<account id>."
  }
}

run "certificates_are_versioned" {
  command = plan

  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled"
    error_message = "Versioning is not enabled."
  }
}

run "certificates_are_encrypted" {
  command = plan

  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "AES256"
    error_message = "The bucket does not encrypt with SSE-S3."
  }
}

run "certificates_are_private" {
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
    condition     = aws_s3_bucket.this.force_destroy == false
    error_message = "The bucket may be destroyed with certificates in it."
  }

  assert {
    condition     = alltrue([for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : statement.Effect == "Deny" && statement.Principal == "*"])
    error_message = "The bucket policy grants something, or spares somebody."
  }
}

run "certificates_travel_over_tls_only" {
  command = plan

  assert {
    condition = one([for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : alltrue([
      statement.Action == "s3:*",
      toset(statement.Resource) == toset(["arn:aws:s3:::example-ca-111111111111", "arn:aws:s3:::example-ca-111111111111/*"]),
      statement.Condition == { Bool = { "aws:SecureTransport" = "false" } },
    ]) if statement.Sid == "DenyInsecureTransport"])
    error_message = "The bucket policy does not deny plain HTTP to bucket and objects."
  }
}

run "the_ceremony_alone_writes" {
  command = plan

  assert {
    condition = one([for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : alltrue([
      statement.Action == "s3:PutObject",
      statement.Resource == "arn:aws:s3:::example-ca-111111111111/*",
      statement.Condition == { ArnNotEquals = { "aws:PrincipalArn" = "arn:aws:iam::111111111111:role/example-ceremony" } },
    ]) if statement.Sid == "CeremonyAloneWrites"])
    error_message = "Somebody beside the ceremony role may write."
  }
}

run "a_certificate_is_never_replaced" {
  command = plan

  assert {
    condition = one([for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : alltrue([
      statement.Action == "s3:PutObject",
      statement.Resource == "arn:aws:s3:::example-ca-111111111111/*",
      statement.Condition == {
        Null = { "s3:if-none-match" = "true" }
        Bool = { "s3:ObjectCreationOperation" = "true" }
      },
    ]) if statement.Sid == "NobodyOverwrites"])
    error_message = "A write without If-None-Match is not denied."
  }
}

run "a_certificate_is_never_deleted" {
  command = plan

  assert {
    condition = one([for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : alltrue([
      toset(statement.Action) == toset(["s3:DeleteObject", "s3:DeleteObjectVersion"]),
      statement.Resource == "arn:aws:s3:::example-ca-111111111111/*",
      !contains(keys(statement), "Condition"),
    ]) if statement.Sid == "NobodyDeletes"])
    error_message = "Certificates or their versions may be deleted."
  }

  assert {
    condition     = !strcontains(file("${path.module}/main.tf"), "aws_s3_bucket_lifecycle_configuration")
    error_message = "A lifecycle rule may expire certificates."
  }
}
