# METADATA
# title: Buckets block public access
# description: |
#   Whoever may write a truststore decides who may call, and state holds secrets. All four settings of the
#   block are needed: each closes another way of making a bucket public.
# related_resources:
#   - https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
# schemas:
#   - input: schema.plan
# custom:
#   id: S3-002
#   severity: critical
#   remedy: Add an aws_s3_bucket_public_access_block for the bucket, in the same module, with all four settings true.
package plan.s3.public_access

import data.lib.plan

settings := {"block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"}

deny contains plan.finding(rego.metadata.chain(), bucket, "public access is not blocked") if {
	some bucket in plan.resources("aws_s3_bucket")
	count(blocks(bucket)) == 0
}

deny contains plan.finding(rego.metadata.chain(), block, sprintf("%s is not true", [setting])) if {
	some block in plan.resources("aws_s3_bucket_public_access_block")
	some setting in settings
	plan.known(block, [setting]) != true
}

# The canned lists that let everybody in, or every customer of AWS.
deny contains plan.finding(rego.metadata.chain(), acl, sprintf("the list %s is public", [name])) if {
	some acl in plan.resources("aws_s3_bucket_acl")
	name := plan.known(acl, ["acl"])
	name in {"authenticated-read", "public-read", "public-read-write"}
}

undecided contains plan.finding(rego.metadata.chain(), block, sprintf("%s is unknown", [setting])) if {
	some block in plan.resources("aws_s3_bucket_public_access_block")
	some setting in settings
	plan.unknown(block, [setting])
}

undecided contains plan.finding(rego.metadata.chain(), acl, "acl is unknown") if {
	some acl in plan.resources("aws_s3_bucket_acl")
	plan.unknown(acl, ["acl"])
}

blocks(bucket) := plan.companions(bucket, "aws_s3_bucket_public_access_block", "bucket", "bucket")
