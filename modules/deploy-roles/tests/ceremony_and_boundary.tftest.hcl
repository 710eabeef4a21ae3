# Asserts that the ceremony role exists in the security account alone, and what it and the boundary of the platform's
# own roles allow. No cloud is called.

mock_provider "aws" {
  override_during = plan
}

variables {
  organization           = "example"
  account_id             = "111111111111"
  account_name           = "security"
  region                 = "eu-west-1"
  state_bucket_name      = "example-tfstate-111111111111"
  plan_bucket_name       = "example-plans-111111111111"
  github_repository      = "example-org/aws-api-gateway-mtls"
  trusted_principal_arns = ["arn:aws:iam::999999999999:root"]
  ceremony = {
    ca_bucket_name         = "example-ca-111111111111"
    pki_writer_role_arns   = ["arn:aws:iam::222222222222:role/example-dev-pki-writer"]
    pki_reader_role_arns   = ["arn:aws:iam::222222222222:role/example-dev-pki-reader"]
    trusted_principal_arns = ["arn:aws:iam::111111111111:role/security-officer"]
  }
}

run "other_accounts_have_no_ceremony_role" {
  command = plan

  variables {
    ceremony = null
  }

  assert {
    condition     = length(aws_iam_role.ceremony) == 0 && length(aws_iam_role_policy.ceremony) == 0 && output.ceremony_role_arn == null
    error_message = "A ceremony role is made outside the security account."
  }
}

run "a_ceremony_signs_with_ca_keys_only" {
  command = plan

  assert {
    condition = one([for statement in jsondecode(aws_iam_role_policy.ceremony[0].policy).Statement : alltrue([
      statement.Resource == "arn:aws:kms:eu-west-1:111111111111:key/*",
      statement.Condition == { "ForAnyValue:StringLike" = { "kms:ResourceAliases" = ["alias/example-root-ca-*", "alias/example-*-issuing-ca-*", "alias/example-transcript"] } },
      toset(statement.Action) == toset(["kms:DescribeKey", "kms:GetPublicKey", "kms:Sign", "kms:Verify"]),
    ]) if statement.Sid == "CaKeys"])
    error_message = "The ceremony role does more than sign with the CA's keys and the transcript's."
  }
}

run "a_ceremony_enables_and_disables_root_keys_only" {
  command = plan

  assert {
    condition = [for statement in jsondecode(aws_iam_role_policy.ceremony[0].policy).Statement : statement.Condition if contains(flatten([statement.Action]), "kms:EnableKey")] == [
      { "ForAnyValue:StringLike" = { "kms:ResourceAliases" = "alias/example-root-ca-*" } },
    ]
    error_message = "The ceremony role cannot enable a root's key, or enables others."
  }

  assert {
    condition     = alltrue([for statement in jsondecode(aws_iam_role_policy.ceremony[0].policy).Statement : contains(flatten([statement.Action]), "kms:EnableKey") == contains(flatten([statement.Action]), "kms:DisableKey")])
    error_message = "What the ceremony role enables it cannot disable."
  }
}

run "a_ceremony_makes_and_reads_stored_keys_and_replaces_none" {
  command = plan

  assert {
    condition = one([for statement in jsondecode(aws_iam_role_policy.ceremony[0].policy).Statement : alltrue([
      toset(statement.Action) == toset(["secretsmanager:CreateSecret", "secretsmanager:GetSecretValue", "ssm:GetParameter", "ssm:PutParameter"]),
      toset(statement.Resource) == toset([
        "arn:aws:ssm:eu-west-1:111111111111:parameter/example/ca/*",
        "arn:aws:secretsmanager:eu-west-1:111111111111:secret:/example/ca/*",
      ]),
    ]) if statement.Sid == "StoredKeys"])
    error_message = "The ceremony role reaches other parameters or secrets than the CA's keys, or changes and deletes these."
  }
}

run "a_ceremony_writes_transcripts_and_reads_the_trail" {
  command = plan

  assert {
    condition = { for statement in jsondecode(aws_iam_role_policy.ceremony[0].policy).Statement : statement.Sid => "${join(" ", flatten([statement.Action]))} ${join(" ", flatten([statement.Resource]))}" if strcontains(statement.Sid, "Trail") || statement.Sid == "Transcripts" } == {
      Transcripts             = "s3:GetObject s3:GetObjectRetention s3:PutObject arn:aws:s3:::example-ceremony-log-111111111111/*"
      Trail                   = "s3:GetObject arn:aws:s3:::example-cloudtrail-111111111111/*"
      TrailLookup             = "cloudtrail:LookupEvents *"
      TranscriptAndTrailLists = "s3:ListBucket arn:aws:s3:::example-ceremony-log-111111111111 arn:aws:s3:::example-cloudtrail-111111111111"
    }
    error_message = "The ceremony role cannot leave its transcript, cannot hold it against the trail, or writes the trail."
  }
}

run "a_ceremony_deletes_nothing" {
  command = plan

  assert {
    condition     = alltrue(flatten([for statement in jsondecode(aws_iam_role_policy.ceremony[0].policy).Statement : [for action in flatten([statement.Action]) : !strcontains(action, ":Delete") && !strcontains(action, "*")]]))
    error_message = "The ceremony role deletes something, or has an action with a wildcard."
  }
}

run "a_ceremony_writes_the_ca_bucket_only" {
  command = plan

  assert {
    condition = [for statement in jsondecode(aws_iam_role_policy.ceremony[0].policy).Statement : "${join(" ", sort(flatten([statement.Action])))} ${statement.Resource}" if startswith(statement.Sid, "CaCertificate")] == [
      "s3:GetObject s3:PutObject arn:aws:s3:::example-ca-111111111111/*",
      "s3:ListBucket arn:aws:s3:::example-ca-111111111111",
    ]
    error_message = "The ceremony role has other rights on other buckets than to read and write CA certificates."
  }
}

run "a_ceremony_assumes_the_listed_roles_only" {
  command = plan

  assert {
    condition     = one([for statement in jsondecode(aws_iam_role_policy.ceremony[0].policy).Statement : join(" ", statement.Resource) if statement.Action == "sts:AssumeRole"]) == "arn:aws:iam::222222222222:role/example-dev-pki-reader arn:aws:iam::222222222222:role/example-dev-pki-writer"
    error_message = "The ceremony role may assume other roles than the listed writers and readers."
  }
}

run "the_first_ceremony_needs_no_environment" {
  command = plan

  variables {
    ceremony = {
      ca_bucket_name         = "example-ca-111111111111"
      pki_writer_role_arns   = []
      trusted_principal_arns = []
    }
  }

  assert {
    condition     = alltrue([for statement in jsondecode(aws_iam_role_policy.ceremony[0].policy).Statement : length(flatten([statement.Resource])) > 0])
    error_message = "A statement without a resource: IAM would refuse the policy."
  }
}

run "the_boundary_holds_no_way_up" {
  command = plan

  assert {
    condition = alltrue(flatten([for statement in jsondecode(aws_iam_policy.boundary.policy).Statement : [
      for action in flatten([statement.Action]) : can(regex("^((logs|dynamodb|s3|ssm|secretsmanager|kms):[A-Za-z]+|xray:Put(TraceSegments|TelemetryRecords)|acm:DescribeCertificate|apigateway:GET|lambda:InvokeFunction|sts:AssumeRole)$", action)) && !contains(["kms:Sign", "kms:CreateGrant", "kms:PutKeyPolicy", "dynamodb:DeleteItem", "s3:DeleteObject"], action)
    ]]))
    error_message = "The boundary allows a role of the platform to sign, delete records, or reach other services."
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_policy.boundary.policy).Statement : statement.Sid if statement.Effect != "Allow" || contains(flatten([statement.Resource]), "*")] == ["Traces"]
    error_message = "A statement without a resource is not the one whose service knows none."
  }
}

run "the_boundary_leads_out_of_the_account_to_the_issuer_alone" {
  command = plan

  assert {
    condition     = [for statement in jsondecode(aws_iam_policy.boundary.policy).Statement : statement.Resource if contains(flatten([statement.Action]), "sts:AssumeRole")] == ["arn:aws:iam::*:role/example-*-issuer-invoker"]
    error_message = "A role of the platform may become another than the issuer's invoker."
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_policy.boundary.policy).Statement : statement.Resource if contains(flatten([statement.Action]), "apigateway:GET")] == ["arn:aws:apigateway:eu-west-1::/domainnames/*"]
    error_message = "A role of the platform may read more of API Gateway than domain names."
  }
}

run "the_boundary_lets_schedules_call_functions_but_not_where_the_issuer_is" {
  command = plan

  assert {
    condition     = !strcontains(aws_iam_policy.boundary.policy, "lambda:InvokeFunction")
    error_message = "In the security account a role that the pipeline made could call the issuer."
  }
}

run "the_boundary_lets_schedules_call_functions_elsewhere" {
  command = plan

  variables {
    ceremony = null
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_policy.boundary.policy).Statement : statement.Resource if contains(flatten([statement.Action]), "lambda:InvokeFunction")] == ["arn:aws:lambda:eu-west-1:111111111111:function:example-*"]
    error_message = "A schedule could not call its function, or could call others' functions."
  }
}

run "the_boundary_lets_functions_trace" {
  command = plan

  assert {
    condition     = one([for statement in jsondecode(aws_iam_policy.boundary.policy).Statement : join(" ", sort(statement.Action)) if statement.Sid == "Traces"]) == "xray:PutTelemetryRecords xray:PutTraceSegments"
    error_message = "A function with tracing could not send its traces, or could do more in X-Ray."
  }
}

run "the_boundary_keeps_keys_to_their_purpose" {
  command = plan

  assert {
    condition     = one([for statement in jsondecode(aws_iam_policy.boundary.policy).Statement : statement.Condition if contains(flatten([statement.Action]), "kms:GenerateMac")]) == { "ForAnyValue:StringLike" = { "kms:ResourceAliases" = "alias/example-*-token-binding" } }
    error_message = "MACs are not limited to token binding keys."
  }

  assert {
    condition     = one([for statement in jsondecode(aws_iam_policy.boundary.policy).Statement : join(" ", statement.Condition.StringEquals["kms:ViaService"]) if contains(flatten([statement.Action]), "kms:Decrypt")]) == "dynamodb.eu-west-1.amazonaws.com secretsmanager.eu-west-1.amazonaws.com"
    error_message = "Decrypting is not limited to the table and the secrets."
  }
}

run "the_boundary_is_found_by_name" {
  command = plan

  assert {
    condition     = aws_iam_policy.boundary.name == "example-boundary" && output.permissions_boundary_arn == "arn:aws:iam::111111111111:policy/example-boundary"
    error_message = "The boundary is not <organization>-boundary."
  }
}
