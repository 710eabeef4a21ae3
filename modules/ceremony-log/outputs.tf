output "bucket_name" {
  description = "Name of the bucket of the transcripts: `transcripts/<plan digest>/<000001>.json`."
  value       = aws_s3_bucket.log.bucket
}

output "transcript_key_alias" {
  description = "KMS alias of the key that signs transcripts."
  value       = aws_kms_alias.this.name
}

output "trail_arn" {
  description = "ARN of the trail that shows each use of a key."
  value       = local.trail_arn
}

output "trail_bucket_name" {
  description = "Name of the bucket of CloudTrail's files: `AWSLogs/<account id>/CloudTrail/<region>/<yyyy>/<mm>/<dd>/*.json.gz`."
  value       = aws_s3_bucket.trail.bucket
}
