# METADATA
# title: A bucket with objects in it is not deleted
# description: |
#   force_destroy makes Terraform empty a bucket before it deletes it, every version included: of a
#   truststore, of state, of transcripts. Without it S3 refuses to delete a bucket that is not empty.
# related_resources:
#   - https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/s3_bucket#force_destroy-1
# schemas:
#   - input: schema.plan
# custom:
#   id: S3-004
#   severity: high
#   remedy: Set force_destroy to false.
package plan.s3.force_destroy

import data.lib.plan

deny contains plan.finding(rego.metadata.chain(), bucket, "force_destroy is set") if {
	some bucket in plan.resources("aws_s3_bucket")
	plan.known(bucket, ["force_destroy"]) == true
}

undecided contains plan.finding(rego.metadata.chain(), bucket, "force_destroy is unknown") if {
	some bucket in plan.resources("aws_s3_bucket")
	plan.unknown(bucket, ["force_destroy"])
}
