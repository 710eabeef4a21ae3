locals {
  # A wildcard and the name below it are validated by one and the same record.
  validated_names = toset([for name in concat([var.domain_name], var.subject_alternative_names) : trimprefix(name, "*.")])

  validation_options = {
    for name in local.validated_names : name => [
      for option in aws_acm_certificate.this.domain_validation_options : option if trimprefix(option.domain_name, "*.") == name
    ][0]
  }
}

################################################################################
# Server certificate: public, validated by DNS, renewed by ACM as long as the records stay
################################################################################

resource "aws_acm_certificate" "this" {
  domain_name               = var.domain_name
  subject_alternative_names = var.subject_alternative_names
  validation_method         = "DNS"

  # A certificate in use cannot be deleted: the new one first, then the domain moves, then the old one goes.
  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_route53_record" "validation" {
  for_each = local.validated_names

  zone_id = var.zone_id
  name    = local.validation_options[each.key].resource_record_name
  type    = local.validation_options[each.key].resource_record_type
  records = [local.validation_options[each.key].resource_record_value]
  ttl     = 300

  # ACM asks for one and the same record for a name in an account, whichever certificate it is for. For that reason it
  # is not made before the old one is destroyed, which would destroy the new one.
  allow_overwrite = true
}

# Waits until ACM has issued: API Gateway refuses a certificate that is pending.
resource "aws_acm_certificate_validation" "this" {
  certificate_arn         = aws_acm_certificate.this.arn
  validation_record_fqdns = [for record in aws_route53_record.validation : record.fqdn]
}

################################################################################
# Custom domain: TLS 1.2 or newer, and a client certificate
################################################################################

resource "aws_apigatewayv2_domain_name" "this" {
  domain_name = var.domain_name

  domain_name_configuration {
    certificate_arn                        = coalesce(var.server_certificate_arn, aws_acm_certificate_validation.this.certificate_arn)
    ownership_verification_certificate_arn = var.server_certificate_arn == null ? null : aws_acm_certificate_validation.this.certificate_arn
    endpoint_type                          = "REGIONAL"
    security_policy                        = "TLS_1_2"
    ip_address_type                        = "dualstack"
  }

  # Overwriting the object in S3 changes nothing; a new version here does, and takes 60 to 90 s to spread.
  # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-mutual-tls.html
  mutual_tls_authentication {
    truststore_uri     = var.truststore_uri
    truststore_version = var.truststore_version
  }
}
