output "ca_bucket_name" {
  description = "Name of the bucket of the CA certificates: `root/<generation>.pem` and `issuing/<environment>/<generation>.pem`."
  value       = aws_s3_bucket.this.bucket
}

output "root_key_aliases" {
  description = "Generation -> KMS alias of the root CA's key."
  value       = { for generation in var.root_generations : generation => aws_kms_alias.this["root-ca-${generation}"].name }
}

output "issuing_key_aliases" {
  description = "Environment -> generation -> KMS alias of the issuing CA's key."
  value = {
    for environment, generations in var.issuing_cas : environment => {
      for generation in generations : generation => aws_kms_alias.this["${environment}-issuing-ca-${generation}"].name
    }
  }
}

output "alarm_topic_arn" {
  description = "ARN of the topic that tells of every use of a root's key; `null` where no root's key is in KMS."
  value       = one(aws_sns_topic.root_use[*].arn)
}
