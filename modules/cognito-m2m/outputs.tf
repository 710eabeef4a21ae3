output "user_pool_id" {
  description = "Id of the user pool."
  value       = aws_cognito_user_pool.this.id
}

output "user_pool_arn" {
  description = "ARN of the user pool."
  value       = aws_cognito_user_pool.this.arn
}

output "issuer" {
  description = "The `iss` claim of the pool's tokens."
  value       = local.issuer
}

output "jwks_uri" {
  description = "URL of the pool's key set."
  value       = local.jwks_uri
}

output "token_endpoint" {
  description = "Cognito's own token endpoint. Devices use the API's `/token`: Cognito's answers none of them."
  value       = local.token_endpoint
}

output "app_client_ids" {
  description = "Client ids: name of the app client to its id."
  value       = { for name, logical_id in local.logical_ids : name => aws_cloudformation_stack.app_clients.outputs["Client${logical_id}"] }
}

output "token_function_name" {
  description = "Name of the function behind `POST /token` and the OAuth metadata."
  value       = module.token.function_name
}

output "token_function_arn" {
  description = "ARN of the function behind `POST /token`."
  value       = module.token.function_arn
}

output "token_invoke_arn" {
  description = "ARN by which API Gateway invokes the function behind `POST /token`."
  value       = module.token.invoke_arn
}
