# METADATA
# title: The files beside root.hcl hold facts
# description: |
#   account.hcl, region.hcl and env.hcl hold locals; versions.hcl and images.hcl one map of plain texts. More
#   than that would be configuration that nobody looks for there; an expression is no pin.
# related_resources:
#   - https://terragrunt.gruntwork.io/docs/reference/hcl/blocks/#locals
# schemas:
#   - input: schema.live
# custom:
#   id: TREE-005
#   severity: high
#   remedy: Leave the locals that the file is for.
package live.tree.plain

import data.lib.live

deny contains live.finding(rego.metadata.chain(), config.file, config.file, "it holds more than locals") if {
	some config in input.configs
	config.file != live.root_file
	some key in config.keys
	key != "locals"
}

deny contains live.finding(rego.metadata.chain(), config.file, config.file, message) if {
	some config in input.configs
	some name in {"versions", "images"}
	endswith(config.file, sprintf("/%s.hcl", [name]))
	not one_map(config.hcl, name)
	message := sprintf("it holds more, or less, than one map of %s", [name])
}

one_map(hcl, name) if {
	[block] := hcl.locals
	object.keys(block) == {name}
	is_object(block[name])
}
