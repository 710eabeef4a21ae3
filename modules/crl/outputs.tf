output "bucket_name" {
  description = "Name of the bucket of lists: `<environment>/<generation>.crl` in DER, `.crl.pem` in PEM."
  value       = aws_s3_bucket.this.bucket
}

output "function_names" {
  description = "Environment -> name of the function that publishes its lists."
  value       = { for environment, function in module.function : environment => function.function_name }
}

output "role_arns" {
  description = "Environment -> ARN of its function's role, which signs with the issuing keys and assumes `pki-reader`."
  value       = local.role_arns

  # The ARNs are built from names: whoever uses one still has to wait for the role and its rights.
  depends_on = [aws_iam_role_policy.sign]
}
