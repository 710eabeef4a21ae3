# Asserts that lists are versioned, encrypted, private, reached over TLS only, written by the publishers alone, and never
# deleted. No cloud is called.

mock_provider "aws" {
  override_during = plan
  source          = "./tests/mocks"
}

run "the_bucket_is_versioned_encrypted_and_private" {
  command = plan

  assert {
    condition     = output.bucket_name == "example-crl-111111111111"
    error_message = "The bucket is not <organization>-crl-<account id>."
  }

  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled"
    error_message = "Versioning is not enabled."
  }

  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "AES256"
    error_message = "The bucket does not encrypt with SSE-S3."
  }

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.this.block_public_acls,
      aws_s3_bucket_public_access_block.this.block_public_policy,
      aws_s3_bucket_public_access_block.this.ignore_public_acls,
      aws_s3_bucket_public_access_block.this.restrict_public_buckets,
    ])
    error_message = "Public access is not blocked in all four ways."
  }
}

run "publishers_alone_write_and_nobody_deletes" {
  command = plan

  assert {
    condition = { for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : statement.Sid => "${statement.Effect} ${join(" ", flatten([statement.Action]))}" } == {
      DenyInsecureTransport = "Deny s3:*"
      PublishersAloneWrite  = "Deny s3:PutObject"
      NobodyDeletes         = "Deny s3:DeleteObject s3:DeleteObjectVersion"
      CeremonyPublishes     = "Allow s3:GetObject s3:ListBucket s3:ListBucketVersions s3:GetObjectVersion s3:PutObject"
    }
    error_message = "The bucket's policy allows or denies something else."
  }

  assert {
    condition     = one([for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : join(" ", statement.Condition.ArnNotEquals["aws:PrincipalArn"]) if statement.Sid == "PublishersAloneWrite"]) == "arn:aws:iam::111111111111:role/example-ceremony arn:aws:iam::111111111111:role/example-dev-crl"
    error_message = "Others than the function and the ceremony may write."
  }
}

run "readers_are_those_that_were_named" {
  command = plan

  variables {
    reader_arns             = ["arn:aws:iam::333333333333:root"]
    reader_organization_ids = ["o-a1b2c3d4e5"]
  }

  assert {
    condition     = one([for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : join(" ", flatten([statement.Principal.AWS, statement.Action])) if statement.Sid == "ReadersRead"]) == "arn:aws:iam::333333333333:root s3:GetObject"
    error_message = "The readers are not those that were named."
  }

  assert {
    condition     = one([for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : join(" ", flatten([statement.Condition.StringEquals["aws:PrincipalOrgID"], statement.Action])) if statement.Sid == "OrganizationsRead"]) == "o-a1b2c3d4e5 s3:GetObject"
    error_message = "The organisations are not those that were named."
  }
}

run "the_last_list_outlives_a_destroy" {
  command = plan

  # A plan cannot show lifecycle arguments: the source is read instead.
  assert {
    condition     = length(regexall("prevent_destroy = true", file("${path.module}/main.tf"))) == 1
    error_message = "The bucket is not protected by prevent_destroy."
  }
}
