# METADATA
# title: Truststore buckets keep every version
# description: |
#   A domain pins a version of its truststore. Without versioning there is nothing to pin, and an overwritten
#   truststore cannot be had back. A truststore bucket is one whose name says so.
# related_resources:
#   - https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html
# schemas:
#   - input: schema.plan
# custom:
#   id: S3-001
#   severity: high
#   remedy: Add an aws_s3_bucket_versioning with status Enabled for the bucket, in the same module.
package plan.s3.truststore_versioning

import data.lib.plan

status := ["versioning_configuration", 0, "status"]

truststores := [bucket |
	some bucket in plan.resources("aws_s3_bucket")
	contains(plan.value(bucket, ["bucket"]), "truststore")
]

deny contains plan.finding(rego.metadata.chain(), bucket, "versions are not kept") if {
	some bucket in truststores
	every versioning in versionings(bucket) {
		not plan.unknown(versioning, status)
		plan.value(versioning, status) != "Enabled"
	}
}

undecided contains plan.finding(rego.metadata.chain(), bucket, "status of versioning is unknown") if {
	some bucket in truststores
	some versioning in versionings(bucket)
	plan.unknown(versioning, status)
}

undecided contains plan.finding(rego.metadata.chain(), bucket, "bucket is unknown: it may be a truststore") if {
	some bucket in plan.resources("aws_s3_bucket")
	plan.unknown(bucket, ["bucket"])
}

# The bucket is created by the same plan as its versioning, so the versioning's `bucket` is often unknown:
# then the configuration tells which bucket it refers to.
versionings(bucket) := [versioning |
	some versioning in plan.resources("aws_s3_bucket_versioning")
	object.get(versioning, "module_address", "") == object.get(bucket, "module_address", "")
	belongs(versioning, bucket)
]

belongs(versioning, bucket) if {
	plan.value(versioning, ["bucket"]) == plan.value(bucket, ["bucket"])
}

belongs(versioning, bucket) if {
	plan.unknown(versioning, ["bucket"])
	walk(input.configuration.root_module, [_, resource])
	resource.type == versioning.type
	resource.name == versioning.name
	sprintf("%s.%s", [bucket.type, bucket.name]) in resource.expressions.bucket.references
}
