# METADATA
# title: live/ reads its own files alone
# description: |
#   A file that is read as configuration runs what stands in it, and one outside live/ is judged by no rule;
#   any other file's content ends in inputs, plans and states: /proc/self/environ is a file too. root.hcl reads
#   the files beside the unit, by name, and a unit the truststore's version that root.hcl names.
# related_resources:
#   - https://terragrunt.gruntwork.io/docs/reference/hcl/functions/#read_terragrunt_config
# schemas:
#   - input: schema.live
# custom:
#   id: CODE-009
#   severity: critical
#   remedy: Write the value where it is used, or hand it down from root.hcl; reading more changes this rule as well.
#   waivable: false
package live.code.reads

import data.lib.live

# Whatever is called so opens a file; who only names one in a comment, a bracket behind it, is refused too.
readers := `\b([a-z0-9_]*file[a-z0-9_]*|read_[a-z0-9_]*|templatestring)`

calls := {"root": by_root, "units": by_units, "others": {"nothing"}}

by_root := {
	`file(mark_as_read("${get_parent_terragrunt_dir()}/organization.yaml"))`,
	`read_terragrunt_config(find_in_parent_folders("account.hcl"))`,
	`read_terragrunt_config(find_in_parent_folders("region.hcl"))`,
	`read_terragrunt_config(find_in_parent_folders("env.hcl"))`,
	`read_terragrunt_config(find_in_parent_folders("versions.hcl"))`,
	`read_terragrunt_config(find_in_parent_folders("images.hcl", "no-images.hcl"), { locals = { images = {} } })`,
	`fileset(get_parent_terragrunt_dir(), "*/*/*/registry/terragrunt.hcl")`,
}

by_units := {
	`file(mark_as_read(include.root.locals.truststore_pin_file))`,
	`file(include.root.locals.truststore_pin_file)`,
	`fileset(local.live, "*/*/*/registry/terragrunt.hcl")`,
	`fileset(local.live, "*/*/${local.environment}/registry/terragrunt.hcl")`,
}

known[kind] := sprintf(`\b(?:%s)`, [concat("|", patterns)]) if {
	some kind, allowed in calls
	patterns := {regex.replace(call, `[][(){}.*$?+|^\\]`, `\$0`) | some call in allowed}
}

deny contains live.finding(rego.metadata.chain(), file.file, file.file, message) if {
	some file in live.files
	some reading in live.readings(file)
	pattern := concat("", [readers, reading.gap])
	some call in regex.find_all_string_submatch_n(pattern, regex.replace(reading.text, known[kind(file)], "known"), -1)
	message := sprintf("it reads by %s, or names that in a comment, otherwise than live/ does", [call[1]])
}

deny contains live.finding(
	rego.metadata.chain(), live.root_file, live.root_file,
	"locals: truststore_pin_file is not the file beside the environment",
) if {
	live.root
	not names_the_pin
}

# Names of files are listed in live/ alone.
deny contains live.about_unit(rego.metadata.chain(), unit, "locals.live is not the folder of root.hcl") if {
	some unit in input.units
	some block in unit.hcl.locals
	block.live != "${dirname(find_in_parent_folders(\"root.hcl\"))}"
}

names_the_pin if live.flat(live.root.locals[0].truststore_pin_file) == concat(" ", [
	"${format( \"%s/truststore.json\", local.laptop ? \"${local.local_dir}/pins/${local.environment.name}\"",
	": \"${get_parent_terragrunt_dir()}/${local.account.name}/${local.region}/${local.environment.name}\" )}",
])

kind(file) := "root" if {
	file.file == "live/root.hcl"
} else := "units" if {
	endswith(file.file, "/terragrunt.hcl")
} else := "others"
