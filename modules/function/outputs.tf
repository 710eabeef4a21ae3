output "function_name" {
  description = "Name of the function."
  value       = aws_lambda_function.this.function_name
}

output "function_arn" {
  description = "ARN of the function."
  value       = aws_lambda_function.this.arn
}

output "invoke_arn" {
  description = "ARN by which API Gateway invokes the function."
  value       = aws_lambda_function.this.invoke_arn
}

output "role_arn" {
  description = "ARN of the function's execution role."
  value       = aws_iam_role.this.arn
}

output "log_group_name" {
  description = "Name of the function's log group."
  value       = aws_cloudwatch_log_group.this.name
}

output "environment" {
  description = "Environment variables of the function."
  value       = try(aws_lambda_function.this.environment[0].variables, {})
}

output "policy" {
  description = "What the function may do beside writing its own log: an IAM policy as JSON, or null."
  value       = one(aws_iam_role_policy.this[*].policy)
}
