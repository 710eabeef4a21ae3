# METADATA
# title: A module's code is in files that these rules read
# description: |
#   Terraform reads *.tf.json too and lets *_override.tf replace what other files say; OpenTofu prefers *.tofu;
#   *.auto.tfvars sets inputs that no unit shows. None of it would be judged as it is run.
# related_resources:
#   - https://developer.hashicorp.com/terraform/language/files/override
# schemas:
#   - input: schema.live
# custom:
#   id: CODE-008
#   severity: critical
#   remedy: Write it into a file *.tf.
#   waivable: false
package live.code.module_files

import data.lib.live

unread := `^modules/[^/]+/([^/]+\.(tf\.json|tofu|tofu\.json|tfvars|tfvars\.json)|(.*_)?override\.tf)$`

deny contains live.finding(
	rego.metadata.chain(), file, live.labelled(module),
	"Terraform reads it, and the rules do not",
) if {
	some module in input.modules
	some file in module.files
	regex.match(unread, file)
}
