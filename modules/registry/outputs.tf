output "table_name" {
  description = "Name of the registry table."
  value       = aws_dynamodb_table.this.name
}

output "table_arn" {
  description = "ARN of the registry table."
  value       = local.table_arn
}

output "pki_writer_role_arn" {
  description = "ARN of the role through which the certificate authority writes this environment's registry and truststore."
  value       = local.role_arns["writer"]

  # The ARN is built from names: whoever uses it still has to wait for the role and its rights.
  depends_on = [aws_iam_role_policy.writer]
}

output "pki_reader_role_arn" {
  description = "ARN of the role through which the certificate authority reads this environment's registry."
  value       = local.role_arns["reader"]

  depends_on = [aws_iam_role_policy.reader]
}
