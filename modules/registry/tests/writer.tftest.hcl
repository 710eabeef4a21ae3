# Asserts that the writer role trusts the ceremony role alone and has exactly its four rights, all within one
# environment. No cloud is called.

mock_provider "aws" {
  override_during = plan
}

variables {
  name_prefix           = "example-dev"
  account_id            = "222222222222"
  region                = "eu-west-1"
  truststore_bucket_arn = "arn:aws:s3:::example-dev-truststore-222222222222"
  ceremony_role_arn     = "arn:aws:iam::111111111111:role/example-ceremony"
  parameter_path        = "/example/dev"
}

run "the_ceremony_role_alone_is_trusted" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role.this.assume_role_policy).Statement == [{
      Sid       = "CeremonyOnly"
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::111111111111:role/example-ceremony" }
      Action    = "sts:AssumeRole"
    }]
    error_message = "The trust policy is not one statement for the ceremony role."
  }

  assert {
    condition     = aws_iam_role.this.max_session_duration == 3600
    error_message = "A session may last longer than an hour."
  }
}

run "the_rights_are_exactly_these" {
  command = plan

  assert {
    condition = { for statement in jsondecode(aws_iam_role_policy.this.policy).Statement : statement.Sid => join(" ", sort(flatten([statement.Action]))) } == {
      Registry           = "dynamodb:GetItem dynamodb:PutItem dynamodb:Query dynamodb:UpdateItem"
      TruststoreObjects  = "s3:GetObject s3:GetObjectVersion s3:PutObject"
      TruststoreVersions = "s3:GetBucketVersioning s3:ListBucket s3:ListBucketVersions"
      EnvironmentFacts   = "ssm:GetParameter"
    }
    error_message = "The role may do more or less than a ceremony needs."
  }

  assert {
    condition = { for statement in jsondecode(aws_iam_role_policy.this.policy).Statement : statement.Sid => join(" ", sort(flatten([statement.Resource]))) } == {
      Registry           = "arn:aws:dynamodb:eu-west-1:222222222222:table/example-dev-registry arn:aws:dynamodb:eu-west-1:222222222222:table/example-dev-registry/index/by-client-id arn:aws:dynamodb:eu-west-1:222222222222:table/example-dev-registry/index/by-public-key arn:aws:dynamodb:eu-west-1:222222222222:table/example-dev-registry/index/by-serial-number"
      TruststoreObjects  = "arn:aws:s3:::example-dev-truststore-222222222222/*"
      TruststoreVersions = "arn:aws:s3:::example-dev-truststore-222222222222"
      EnvironmentFacts   = "arn:aws:ssm:eu-west-1:222222222222:parameter/example/dev/*"
    }
    error_message = "The role reaches more or less than its environment."
  }
}

run "the_role_is_bounded_when_asked" {
  command = plan

  variables {
    permissions_boundary_arn = "arn:aws:iam::222222222222:policy/example-boundary"
  }

  assert {
    condition     = aws_iam_role.this.permissions_boundary == "arn:aws:iam::222222222222:policy/example-boundary"
    error_message = "The role does not carry the boundary."
  }
}

run "the_role_is_found_by_name" {
  command = plan

  assert {
    condition     = aws_iam_role.this.name == "example-dev-pki-writer" && output.pki_writer_role_arn == "arn:aws:iam::222222222222:role/example-dev-pki-writer"
    error_message = "The role is not <name_prefix>-pki-writer."
  }
}
