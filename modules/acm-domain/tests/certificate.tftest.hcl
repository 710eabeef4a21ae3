# The server certificate is public and validated by DNS, and the domain waits until it is issued; an imported or private one is
# served instead where given, the public one then proving ownership of the name.
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

run "certificate_is_validated_by_dns_in_the_zone" {
  command = plan

  assert {
    condition     = aws_acm_certificate.this.validation_method == "DNS" && aws_acm_certificate.this.domain_name == "api.dev.example.com"
    error_message = "The certificate must be validated by DNS, by which ACM can renew it alone."
  }

  assert {
    condition = {
      for name, record in aws_route53_record.validation : name => [record.zone_id, record.type, record.name, one(record.records)]
      } == {
      "api.dev.example.com" = ["Z0123456789ABCDEFGHIJ", "CNAME", "_0123456789abcdef.api.dev.example.com.", "_fedcba9876543210.acm-validations.aws."]
    }
    error_message = "ACM's validation record must lie in the zone."
  }

  assert {
    condition     = aws_acm_certificate_validation.this.validation_record_fqdns == toset(["_0123456789abcdef.api.dev.example.com"])
    error_message = "Terraform must wait for the certificate that its records validate."
  }
}

run "wildcard_shares_the_record_of_its_name" {
  command = plan

  variables {
    subject_alternative_names = ["*.api.dev.example.com"]
  }

  assert {
    condition     = keys(aws_route53_record.validation) == ["api.dev.example.com"]
    error_message = "A name and its wildcard are validated by one record: two would fight over it."
  }
}

run "public_certificate_is_served_by_default" {
  command = plan

  # The provider computes this one when none is given; null is what the module asks for.
  assert {
    condition     = aws_apigatewayv2_domain_name.this.domain_name_configuration[0].certificate_arn == aws_acm_certificate_validation.this.certificate_arn
    error_message = "The domain must serve the validated certificate, not the pending one."
  }

  assert {
    condition     = aws_apigatewayv2_domain_name.this.domain_name_configuration[0].ownership_verification_certificate_arn != aws_acm_certificate_validation.this.certificate_arn
    error_message = "A public certificate needs no other to prove ownership."
  }
}

run "imported_certificate_is_served_with_the_public_one_as_proof" {
  command = plan

  variables {
    server_certificate_arn = "arn:aws:acm:eu-west-1:222222222222:certificate/99999999-8888-7777-6666-555555555555"
  }

  assert {
    condition     = aws_apigatewayv2_domain_name.this.domain_name_configuration[0].certificate_arn == "arn:aws:acm:eu-west-1:222222222222:certificate/99999999-8888-7777-6666-555555555555"
    error_message = "The domain must serve the certificate that was given."
  }

  assert {
    condition     = aws_apigatewayv2_domain_name.this.domain_name_configuration[0].ownership_verification_certificate_arn == aws_acm_certificate_validation.this.certificate_arn
    error_message = "The module's public certificate must prove ownership of the name."
  }

  assert {
    condition     = output.certificate_arn == aws_acm_certificate_validation.this.certificate_arn
    error_message = "certificate_arn is the public certificate, in either case."
  }
}
