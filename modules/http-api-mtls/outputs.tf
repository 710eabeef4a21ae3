output "api_id" {
  description = "Id of the API."
  value       = aws_apigatewayv2_api.this.id
}

output "api_endpoint" {
  description = "The API's default endpoint, which is switched off and answers 404."
  value       = aws_apigatewayv2_api.this.api_endpoint
}

output "execution_arn" {
  description = "ARN prefix of the API's calls, for permissions to invoke."
  value       = aws_apigatewayv2_api.this.execution_arn
}

output "health_check_id" {
  description = "Id of the Route 53 health check."
  value       = aws_route53_health_check.this.id
}

output "access_log_group_name" {
  description = "Name of the access log's group."
  value       = aws_cloudwatch_log_group.access.name
}
