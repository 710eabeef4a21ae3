# METADATA
# title: Every file can be read
# description: |
#   What cannot be parsed cannot be judged, and Terragrunt may still find something to do with it.
# related_resources:
#   - https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md
# schemas:
#   - input: schema.live
# custom:
#   id: TREE-001
#   severity: critical
#   remedy: Put right what the message says.
#   waivable: false
package live.tree.parsed

import data.lib.live

deny contains object.union(finding, {"line": problem.line}) if {
	some problem in input.problems
	finding := live.finding(rego.metadata.chain(), problem.file, problem.file, problem.message)
}
