# The domain takes TLS 1.2 or newer and asks for a client certificate, judged by one version of the truststore.
# No cloud is called: the provider is mocked.

mock_provider "aws" {
  override_during = plan
  source          = "./tests/mocks"
}

variables {
  domain_name        = "api.dev.example.com"
  zone_id            = "Z0123456789ABCDEFGHIJ"
  truststore_uri     = "s3://example-dev-truststore-222222222222/truststore.pem"
  truststore_version = "3HL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY"
}

run "domain_asks_for_a_client_certificate_by_a_pinned_truststore" {
  command = plan

  assert {
    condition     = length(aws_apigatewayv2_domain_name.this.mutual_tls_authentication) == 1
    error_message = "The domain must ask for a client certificate."
  }

  assert {
    condition     = aws_apigatewayv2_domain_name.this.mutual_tls_authentication[0].truststore_uri == "s3://example-dev-truststore-222222222222/truststore.pem"
    error_message = "The domain must trust the environment's truststore."
  }

  assert {
    condition     = aws_apigatewayv2_domain_name.this.mutual_tls_authentication[0].truststore_version == "3HL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY"
    error_message = "The truststore must be pinned to a version: overwriting the object must change nothing."
  }
}

run "domain_takes_tls_1_2_or_newer" {
  command = plan

  assert {
    condition     = aws_apigatewayv2_domain_name.this.domain_name_configuration[0].security_policy == "TLS_1_2"
    error_message = "The security policy must be TLS_1_2."
  }
}

run "domain_is_regional_and_has_both_kinds_of_address" {
  command = plan

  assert {
    condition     = aws_apigatewayv2_domain_name.this.domain_name_configuration[0].endpoint_type == "REGIONAL"
    error_message = "Mutual TLS needs a regional endpoint."
  }

  assert {
    condition     = aws_apigatewayv2_domain_name.this.domain_name_configuration[0].ip_address_type == "dualstack"
    error_message = "An AAAA record needs a domain with IPv6 addresses."
  }
}
