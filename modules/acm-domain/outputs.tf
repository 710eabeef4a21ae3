output "domain_name" {
  description = "The custom domain name."
  value       = aws_apigatewayv2_domain_name.this.domain_name
}

output "target_domain_name" {
  description = "Regional domain name that an alias record points to."
  value       = aws_apigatewayv2_domain_name.this.domain_name_configuration[0].target_domain_name
}

output "hosted_zone_id" {
  description = "Hosted zone of `target_domain_name`: API Gateway's in the region."
  value       = aws_apigatewayv2_domain_name.this.domain_name_configuration[0].hosted_zone_id
}

output "certificate_arn" {
  description = "ARN of the public certificate that this module keeps."
  value       = aws_acm_certificate_validation.this.certificate_arn
}
