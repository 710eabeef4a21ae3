# METADATA
# title: Reading the configuration runs nothing and asks nobody
# description: |
#   `run_cmd` runs a program whenever a file is read, also for a plan. Secrets that are decrypted here end in
#   plans and states. What comes from the environment is in no review: root.hcl reads it, once for all, and
#   what stands beside it may read the project's own MTLS_... variables. The file's own text is judged too, its
#   comments with it: whatever hides a call from the parser of these rules does not hide it from that.
# related_resources:
#   - https://terragrunt.gruntwork.io/docs/reference/hcl/functions/
# schemas:
#   - input: schema.live
# custom:
#   id: CODE-001
#   severity: critical
#   remedy: Compute the value from facts of the tree; read secrets where they are used.
#   waivable: false
package live.code.functions

import data.lib.live

forbidden_everywhere := concat("|", [
	"run_cmd", "sops_decrypt_file", "get_aws_account_id", "get_aws_account_alias", "get_aws_caller_identity_arn",
	"get_aws_caller_identity_user_id",
])

deny contains live.finding(rego.metadata.chain(), file.file, file.file, message) if {
	some file in live.files
	some reading in live.readings(file)
	some name in regex.find_n(sprintf(`\b(%s)\b`, [forbidden_everywhere]), reading.text, -1)
	message := sprintf("it calls %s, or names it in a comment", [name])
}

deny contains live.finding(rego.metadata.chain(), file.file, file.file, message) if {
	some file in live.files
	file.file != live.root_file
	some reading in live.readings(file)
	calls := regex.find_all_string_submatch_n(sprintf(`\bget_env%s\s*([^,)]*)`, [reading.gap]), reading.text, -1)
	some call in calls
	not may_read(file, call[1])
	message := sprintf("it reads %s from the environment, or names that in a comment", [trim(call[1], `"`)])
}

# What the laptop sets for itself; a unit's own file reads nothing from outside.
may_read(file, name) if {
	not endswith(file.file, "/terragrunt.hcl")
	regex.match(`^"MTLS_[A-Z_]+"$`, name)
}
