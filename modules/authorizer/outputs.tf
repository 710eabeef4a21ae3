output "function_name" {
  description = "Name of the authorizer function."
  value       = module.function.function_name
}

output "function_arn" {
  description = "ARN of the authorizer function."
  value       = module.function.function_arn
}

output "invoke_arn" {
  description = "ARN by which API Gateway invokes the authorizer."
  value       = module.function.invoke_arn
}
