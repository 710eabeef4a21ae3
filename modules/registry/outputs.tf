output "table_name" {
  description = "Name of the registry table."
  value       = aws_dynamodb_table.this.name
}

output "table_arn" {
  description = "ARN of the registry table."
  value       = local.table_arn
}

output "pki_writer_role_arn" {
  description = "ARN of the role through which a ceremony writes this environment's registry and truststore."
  value       = local.writer_role_arn

  # The ARN is built from names: whoever uses it still has to wait for the role and its rights.
  depends_on = [aws_iam_role_policy.this]
}
