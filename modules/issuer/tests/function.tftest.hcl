# The issuer knows its environment and policy, signs with that environment's issuing keys alone, and writes no other registry.
# No cloud is called: the provider is mocked.

mock_provider "aws" {
  override_during = plan
  source          = "./tests/mocks"
}

run "knows_its_environment_and_its_policy" {
  command = plan

  assert {
    condition = module.function.environment == tomap({
      POWERTOOLS_SERVICE_NAME      = "issuer"
      POWERTOOLS_METRICS_NAMESPACE = "mtls-api"
      LOG_LEVEL                    = "INFO"
      ENVIRONMENT                  = "dev"
      ORGANIZATION                 = "example"
      DOMAIN                       = "example.com"
      SECURITY_ACCOUNT_ID          = "111111111111"
      WORKLOAD_ACCOUNT_ID          = "222222222222"
      WORKLOAD_ACCOUNT_NAME        = "non-prod"
      WORKLOAD_REGION              = "eu-west-1"
      RENEWAL_POLICY               = "{\"clients\":[\"device-*\"],\"key_types\":[\"ec-p256\",\"ec-p384\",\"rsa-2048\",\"rsa-3072\",\"rsa-4096\"],\"lifetime_days\":90,\"overlap_days\":7,\"window_days\":30}"
    })
    error_message = "The function's environment must be what its handler reads."
  }
}

run "reads_its_environments_ca_and_becomes_its_writer" {
  command = plan

  assert {
    condition = jsondecode(module.function.policy).Statement == [
      {
        Sid      = "ReadCaCertificates"
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = ["arn:aws:s3:::example-ca-111111111111/issuing/dev/*", "arn:aws:s3:::example-ca-111111111111/root/*"]
      },
      {
        Sid      = "ListCaCertificates"
        Effect   = "Allow"
        Action   = ["s3:ListBucket"]
        Resource = ["arn:aws:s3:::example-ca-111111111111"]
      },
      {
        Sid      = "WriteRegistry"
        Effect   = "Allow"
        Action   = ["sts:AssumeRole"]
        Resource = ["arn:aws:iam::222222222222:role/example-dev-pki-writer"]
      },
    ]
    error_message = "The issuer may read its environment's CA certificates and the roots, and assume its environment's writer role: nothing else."
  }
}

run "signs_with_its_environments_issuing_keys_alone" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role_policy.sign.policy).Statement == [{
      Sid       = "SignWithIssuingKeys"
      Effect    = "Allow"
      Action    = ["kms:GetPublicKey", "kms:Sign"]
      Resource  = "arn:aws:kms:eu-west-1:111111111111:key/*"
      Condition = { "ForAnyValue:StringLike" = { "kms:ResourceAliases" = "alias/example-dev-issuing-ca-*" } }
    }]
    error_message = "The issuer may sign with the issuing keys of its environment: with no root key, and of no other environment."
  }
}
