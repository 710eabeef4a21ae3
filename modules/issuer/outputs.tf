output "function_name" {
  description = "Name of the issuer function."
  value       = module.function.function_name
}

output "function_arn" {
  description = "ARN of the issuer function."
  value       = module.function.function_arn
}

output "role_arn" {
  description = "ARN of the function's role: what the CA's key policies and the registry's writer role must name."
  value       = module.function.role_arn
}

output "invoker_role_arn" {
  description = "ARN of the role through which the workload account's function `est` asks."
  value       = aws_iam_role.invoker.arn
}
