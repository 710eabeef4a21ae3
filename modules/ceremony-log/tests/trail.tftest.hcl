# Asserts that the trail shows each use of a key, in files that can be validated, which CloudTrail alone writes for this
# trail, and which nobody deletes. No cloud is called.

mock_provider "aws" {
  override_during = plan
}

run "the_trail_shows_each_use_of_a_key" {
  command = plan

  assert {
    condition     = aws_cloudtrail.this.is_multi_region_trail && aws_cloudtrail.this.include_global_service_events
    error_message = "The trail is not of all regions."
  }

  assert {
    condition     = one(aws_cloudtrail.this.event_selector).read_write_type == "All" && one(aws_cloudtrail.this.event_selector).include_management_events
    error_message = "The trail leaves read-only events out: kms:Sign is one."
  }

  assert {
    condition     = length(coalesce(one(aws_cloudtrail.this.event_selector).exclude_management_event_sources, [])) == 0
    error_message = "The trail leaves a service out."
  }

  assert {
    condition     = aws_cloudtrail.this.name == "example-ca" && output.trail_arn == "arn:aws:cloudtrail:eu-west-1:111111111111:trail/example-ca"
    error_message = "The trail is not <organization>-ca."
  }
}

run "its_files_can_be_validated" {
  command = plan

  assert {
    condition     = aws_cloudtrail.this.enable_log_file_validation
    error_message = "CloudTrail writes no digest files."
  }
}

run "the_trail_alone_writes" {
  command = plan

  assert {
    condition     = output.trail_bucket_name == "example-cloudtrail-111111111111"
    error_message = "The bucket is not <organization>-cloudtrail-<account id>."
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_s3_bucket_policy.trail.policy).Statement :
      statement.Principal == { Service = "cloudtrail.amazonaws.com" } && statement.Condition.StringEquals["aws:SourceArn"] == "arn:aws:cloudtrail:eu-west-1:111111111111:trail/example-ca"
      if statement.Effect == "Allow"
    ])
    error_message = "The bucket policy grants something to somebody else, or to another trail."
  }

  assert {
    condition = one([for statement in jsondecode(aws_s3_bucket_policy.trail.policy).Statement : alltrue([
      statement.Action == "s3:PutObject",
      statement.Resource == "arn:aws:s3:::example-cloudtrail-111111111111/AWSLogs/111111111111/*",
      statement.Condition.StringEquals["s3:x-amz-acl"] == "bucket-owner-full-control",
    ]) if statement.Sid == "CloudTrailWrites"])
    error_message = "CloudTrail may not write, or may write elsewhere."
  }

  assert {
    condition = one([for statement in jsondecode(aws_s3_bucket_policy.trail.policy).Statement : alltrue([
      statement.Effect == "Deny",
      statement.Principal == "*",
      statement.Action == "s3:PutObject",
      statement.Resource == "arn:aws:s3:::example-cloudtrail-111111111111/*",
      statement.Condition == { StringNotEqualsIfExists = { "aws:PrincipalServiceName" = "cloudtrail.amazonaws.com" } },
    ]) if statement.Sid == "NobodyElseWrites"])
    error_message = "Somebody beside CloudTrail may write."
  }
}

run "events_are_kept_and_travel_over_tls_only" {
  command = plan

  assert {
    condition = one([for statement in jsondecode(aws_s3_bucket_policy.trail.policy).Statement : alltrue([
      statement.Effect == "Deny",
      toset(statement.Action) == toset(["s3:DeleteObject", "s3:DeleteObjectVersion"]),
      !contains(keys(statement), "Condition"),
    ]) if statement.Sid == "NobodyDeletes"])
    error_message = "Events may be deleted."
  }

  assert {
    condition = one([for statement in jsondecode(aws_s3_bucket_policy.trail.policy).Statement : alltrue([
      statement.Effect == "Deny",
      statement.Action == "s3:*",
      statement.Condition == { Bool = { "aws:SecureTransport" = "false" } },
    ]) if statement.Sid == "DenyInsecureTransport"])
    error_message = "The bucket policy does not deny plain HTTP."
  }

  assert {
    condition     = one(aws_s3_bucket_lifecycle_configuration.trail.rule).expiration[0].days == 3653
    error_message = "Events expire before ten years."
  }

  assert {
    condition     = aws_s3_bucket_versioning.trail.versioning_configuration[0].status == "Enabled"
    error_message = "Versioning is not enabled."
  }
}

run "events_are_private_and_encrypted" {
  command = plan

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.trail.block_public_acls,
      aws_s3_bucket_public_access_block.trail.block_public_policy,
      aws_s3_bucket_public_access_block.trail.ignore_public_acls,
      aws_s3_bucket_public_access_block.trail.restrict_public_buckets,
      aws_s3_bucket_ownership_controls.trail.rule[0].object_ownership == "BucketOwnerEnforced",
      one(aws_s3_bucket_server_side_encryption_configuration.trail.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "AES256",
      aws_s3_bucket.trail.force_destroy == false,
    ])
    error_message = "The bucket is public, has ACLs, is not encrypted, or may be destroyed with events in it."
  }
}
