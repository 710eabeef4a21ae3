output "bucket_name" {
  description = "Name of the plan bucket."
  value       = aws_s3_bucket.this.bucket
}

output "bucket_arn" {
  description = "ARN of the plan bucket."
  value       = local.bucket_arn
}

output "key_alias" {
  description = "Alias of the key that encrypts it."
  value       = aws_kms_alias.this.name
}
