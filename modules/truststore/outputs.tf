output "bucket_name" {
  description = "Name of the truststore bucket."
  value       = aws_s3_bucket.this.bucket
}

output "bucket_arn" {
  description = "ARN of the truststore bucket."
  value       = local.bucket_arn
}

output "object_key" {
  description = "Key of the PEM bundle in the bucket."
  value       = local.object_key
}

output "uri" {
  description = "S3 URI of the bundle, as API Gateway's `truststoreUri` takes it."
  value       = "s3://${aws_s3_bucket.this.bucket}/${local.object_key}"
}
