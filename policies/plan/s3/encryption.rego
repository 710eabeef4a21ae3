# METADATA
# title: Buckets say how they encrypt
# description: |
#   S3 encrypts every new object, with a key of its own unless told otherwise. The configuration makes it the
#   bucket's own choice, one that a reviewer can see and that a default elsewhere does not change.
# related_resources:
#   - https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-encryption.html
# schemas:
#   - input: schema.plan
# custom:
#   id: S3-003
#   severity: high
#   remedy: Add an aws_s3_bucket_server_side_encryption_configuration for the bucket, in the same module.
package plan.s3.encryption

import data.lib.plan

algorithm := ["rule", 0, "apply_server_side_encryption_by_default", 0, "sse_algorithm"]

deny contains plan.finding(rego.metadata.chain(), bucket, "there is no encryption configuration") if {
	some bucket in plan.resources("aws_s3_bucket")
	count(plan.companions(bucket, type, "bucket", "bucket")) == 0
}

deny contains plan.finding(rego.metadata.chain(), encryption, "sse_algorithm is neither AES256 nor aws:kms") if {
	some encryption in plan.resources(type)
	not plan.known(encryption, algorithm) in {"AES256", "aws:kms", "aws:kms:dsse"}
	not plan.unknown(encryption, algorithm)
}

undecided contains plan.finding(rego.metadata.chain(), encryption, "sse_algorithm is unknown") if {
	some encryption in plan.resources(type)
	plan.unknown(encryption, algorithm)
}

type := "aws_s3_bucket_server_side_encryption_configuration"
