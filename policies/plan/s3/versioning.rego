# METADATA
# title: Buckets keep every version
# description: |
#   A domain pins a version of its truststore, a CA certificate's versions prove that nobody swapped it, and
#   state can only be repaired from a version that was kept. A bucket without them is a data loss to come.
# related_resources:
#   - https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html
# schemas:
#   - input: schema.plan
# custom:
#   id: S3-001
#   severity: high
#   remedy: Add an aws_s3_bucket_versioning with status Enabled for the bucket, in the same module.
package plan.s3.versioning

import data.lib.plan

status := ["versioning_configuration", 0, "status"]

deny contains plan.finding(rego.metadata.chain(), bucket, "versions are not kept") if {
	some bucket in plan.resources("aws_s3_bucket")
	every versioning in settings(bucket) {
		plan.known(versioning, status) != "Enabled"
	}
}

undecided contains plan.finding(rego.metadata.chain(), bucket, "status of versioning is unknown") if {
	some bucket in plan.resources("aws_s3_bucket")
	some versioning in settings(bucket)
	plan.unknown(versioning, status)
}

settings(bucket) := plan.companions(bucket, "aws_s3_bucket_versioning", "bucket", "bucket")
