# Asserts that writer and reader trust the listed roles alone and have exactly their rights, all within one
# environment. No cloud is called.

mock_provider "aws" {
  override_during = plan
}

variables {
  name_prefix           = "example-dev"
  account_id            = "222222222222"
  region                = "eu-west-1"
  truststore_bucket_arn = "arn:aws:s3:::example-dev-truststore-222222222222"
  writer_callers        = ["arn:aws:iam::111111111111:role/example-ceremony", "arn:aws:iam::111111111111:role/example-dev-issuer"]
  reader_callers        = ["arn:aws:iam::111111111111:role/example-ceremony", "arn:aws:iam::111111111111:role/example-dev-crl"]
  parameter_path        = "/example/dev"
}

run "the_listed_roles_alone_are_trusted_to_write" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role.writer.assume_role_policy).Statement == [{
      Sid       = "ListedRolesOnly"
      Effect    = "Allow"
      Principal = { AWS = ["arn:aws:iam::111111111111:root"] }
      Action    = "sts:AssumeRole"
      Condition = { ArnEquals = { "aws:PrincipalArn" = ["arn:aws:iam::111111111111:role/example-ceremony", "arn:aws:iam::111111111111:role/example-dev-issuer"] } }
    }]
    error_message = "The writer's trust policy is not one statement for the listed roles."
  }
}

run "the_listed_roles_alone_are_trusted_to_read" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role.reader.assume_role_policy).Statement == [{
      Sid       = "ListedRolesOnly"
      Effect    = "Allow"
      Principal = { AWS = ["arn:aws:iam::111111111111:root"] }
      Action    = "sts:AssumeRole"
      Condition = { ArnEquals = { "aws:PrincipalArn" = ["arn:aws:iam::111111111111:role/example-ceremony", "arn:aws:iam::111111111111:role/example-dev-crl"] } }
    }]
    error_message = "The reader's trust policy is not one statement for the listed roles."
  }
}

run "every_account_of_a_listed_role_is_a_principal" {
  command = plan

  variables {
    reader_callers = ["arn:aws:iam::222222222222:role/example-dev-watch", "arn:aws:iam::111111111111:role/example-dev-crl", "arn:aws:iam::111111111111:role/example-ceremony"]
  }

  assert {
    condition     = jsondecode(aws_iam_role.reader.assume_role_policy).Statement[0].Principal.AWS == ["arn:aws:iam::111111111111:root", "arn:aws:iam::222222222222:root"]
    error_message = "The principals are not the accounts of the listed roles, each once."
  }
}

run "a_session_ends_within_the_hour" {
  command = plan

  assert {
    condition     = aws_iam_role.writer.max_session_duration == 3600 && aws_iam_role.reader.max_session_duration == 3600
    error_message = "A session may last longer than an hour."
  }
}

run "the_writer_may_do_exactly_this" {
  command = plan

  assert {
    condition = { for statement in jsondecode(aws_iam_role_policy.writer.policy).Statement : statement.Sid => join(" ", sort(flatten([statement.Action]))) } == {
      Registry           = "dynamodb:BatchGetItem dynamodb:ConditionCheckItem dynamodb:GetItem dynamodb:PutItem dynamodb:Query dynamodb:Scan dynamodb:UpdateItem"
      TruststoreObjects  = "s3:GetObject s3:GetObjectVersion s3:PutObject"
      TruststoreVersions = "s3:GetBucketVersioning s3:ListBucket s3:ListBucketVersions"
      PinnedTruststore   = "apigateway:GET"
      EnvironmentFacts   = "ssm:GetParameter"
    }
    error_message = "The role may do more or less than the certificate authority needs."
  }

  assert {
    condition = { for statement in jsondecode(aws_iam_role_policy.writer.policy).Statement : statement.Sid => join(" ", sort(flatten([statement.Resource]))) } == {
      Registry           = "arn:aws:dynamodb:eu-west-1:222222222222:table/example-dev-registry arn:aws:dynamodb:eu-west-1:222222222222:table/example-dev-registry/index/by-client-id arn:aws:dynamodb:eu-west-1:222222222222:table/example-dev-registry/index/by-serial-number"
      TruststoreObjects  = "arn:aws:s3:::example-dev-truststore-222222222222/*"
      TruststoreVersions = "arn:aws:s3:::example-dev-truststore-222222222222"
      PinnedTruststore   = "arn:aws:apigateway:eu-west-1::/domainnames/*"
      EnvironmentFacts   = "arn:aws:ssm:eu-west-1:222222222222:parameter/example/dev/*"
    }
    error_message = "The role reaches more or less than its environment."
  }
}

run "the_reader_may_do_exactly_this" {
  command = plan

  assert {
    condition = { for statement in jsondecode(aws_iam_role_policy.reader.policy).Statement : statement.Sid => join(" ", sort(flatten([statement.Action]))) } == {
      Registry           = "dynamodb:BatchGetItem dynamodb:GetItem dynamodb:Query dynamodb:Scan"
      TruststoreObjects  = "s3:GetObject s3:GetObjectVersion"
      TruststoreVersions = "s3:GetBucketVersioning s3:ListBucket s3:ListBucketVersions"
      PinnedTruststore   = "apigateway:GET"
      AuthorizerSettings = "lambda:GetFunctionConfiguration"
    }
    error_message = "The reader may do more or less than read what calls are judged by."
  }

  assert {
    condition = { for statement in jsondecode(aws_iam_role_policy.reader.policy).Statement : statement.Sid => join(" ", sort(flatten([statement.Resource]))) } == {
      Registry           = "arn:aws:dynamodb:eu-west-1:222222222222:table/example-dev-registry arn:aws:dynamodb:eu-west-1:222222222222:table/example-dev-registry/index/by-client-id arn:aws:dynamodb:eu-west-1:222222222222:table/example-dev-registry/index/by-serial-number"
      TruststoreObjects  = "arn:aws:s3:::example-dev-truststore-222222222222/*"
      TruststoreVersions = "arn:aws:s3:::example-dev-truststore-222222222222"
      PinnedTruststore   = "arn:aws:apigateway:eu-west-1::/domainnames/*"
      AuthorizerSettings = "arn:aws:lambda:eu-west-1:222222222222:function:example-dev-authorizer"
    }
    error_message = "The reader reaches more or less than its environment."
  }
}

run "the_roles_are_bounded_when_asked" {
  command = plan

  variables {
    permissions_boundary_arn = "arn:aws:iam::222222222222:policy/example-boundary"
  }

  assert {
    condition     = alltrue([for role in [aws_iam_role.writer, aws_iam_role.reader] : role.permissions_boundary == "arn:aws:iam::222222222222:policy/example-boundary"])
    error_message = "A role does not carry the boundary."
  }
}

run "the_writer_is_found_by_name" {
  command = plan

  assert {
    condition     = aws_iam_role.writer.name == "example-dev-pki-writer" && output.pki_writer_role_arn == "arn:aws:iam::222222222222:role/example-dev-pki-writer"
    error_message = "The role is not <name_prefix>-pki-writer."
  }
}

run "the_reader_is_found_by_name" {
  command = plan

  assert {
    condition     = aws_iam_role.reader.name == "example-dev-pki-reader" && output.pki_reader_role_arn == "arn:aws:iam::222222222222:role/example-dev-pki-reader"
    error_message = "The role is not <name_prefix>-pki-reader."
  }
}
