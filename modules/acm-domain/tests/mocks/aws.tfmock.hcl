# What AWS would answer: values of the right shape, since the provider checks references between resources.

mock_resource "aws_acm_certificate" {
  defaults = {
    arn = "arn:aws:acm:eu-west-1:222222222222:certificate/11111111-2222-3333-4444-555555555555"
    domain_validation_options = [{
      domain_name           = "api.dev.example.com"
      resource_record_name  = "_0123456789abcdef.api.dev.example.com."
      resource_record_type  = "CNAME"
      resource_record_value = "_fedcba9876543210.acm-validations.aws."
    }]
  }
}

mock_resource "aws_route53_record" {
  defaults = {
    fqdn = "_0123456789abcdef.api.dev.example.com"
  }
}

mock_resource "aws_apigatewayv2_domain_name" {
  defaults = {
    domain_name_configuration = {
      target_domain_name = "d-0123456789.execute-api.eu-west-1.amazonaws.com"
      hosted_zone_id     = "ZLY8HYME6SFDD"
    }
  }
}
