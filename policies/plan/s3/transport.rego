# METADATA
# title: Buckets refuse requests without TLS
# description: |
#   S3 answers plain HTTP as well. A statement in the bucket's policy that denies what does not come by TLS
#   keeps a careless client from sending state or a truststore in clear text.
# related_resources:
#   - https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html#transit
# schemas:
#   - input: schema.plan
# custom:
#   id: S3-005
#   severity: medium
#   remedy: Deny s3:* to everybody in the bucket's policy where aws:SecureTransport is false.
package plan.s3.transport

import data.lib.iam
import data.lib.plan

warn contains plan.finding(rego.metadata.chain(), bucket, "requests without TLS are not denied") if {
	some bucket in plan.resources("aws_s3_bucket")
	every policy in policies(bucket) {
		not plan.unknown(policy, ["policy"])
		not denies_plain_text(policy)
	}
}

undecided contains plan.finding(rego.metadata.chain(), bucket, "the bucket's policy is unknown") if {
	some bucket in plan.resources("aws_s3_bucket")
	some policy in policies(bucket)
	plan.unknown(policy, ["policy"])
}

policies(bucket) := plan.companions(bucket, "aws_s3_bucket_policy", "bucket", "bucket")

denies_plain_text(policy) if {
	some statement in iam.statements
	statement.resource.address == policy.address
	not statement.allows
	"s3:*" in statement.actions
	{"type": "AWS", "value": "*"} in statement.principals
	some condition in statement.conditions
	condition.operator == "bool"
	condition.key == "aws:securetransport"
	"false" in condition.values
}
