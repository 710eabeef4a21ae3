# METADATA
# title: Reading live/ and the modules
# description: |
#   The document is made of text that was parsed and not evaluated: an expression is a string in `${...}`.
#   What a rule cannot judge in such a string it refuses.
# schemas:
#   - input: schema.live
package lib.live

import data.lib.plan

# METADATA
# title: A finding about a file, with what the rule's own metadata says of it
finding(chain, file, address, message) := object.union(plan.general(chain, address, message), {"file": file})

# METADATA
# title: A finding about a unit
about_unit(chain, unit, message) := finding(chain, unit.file, unit.path, message)

# METADATA
# title: A finding about something in a module
about_module(chain, module, part, message) := finding(chain, part.file, address, message) if {
	address := concat(" ", [labelled(module), object.get(part, "address", "")])
}

labelled(module) := sprintf("%s (%s)", [module.name, module.version])

# METADATA
# title: Every file of HCL that was read, units and what they include
files := array.concat(
	[{"file": config.file, "hcl": config.hcl, "text": config.text} | some config in input.configs],
	[{"file": unit.file, "hcl": unit.hcl, "text": unit.text} | some unit in input.units],
)

# METADATA
# title: What all units include
root := config.hcl if {
	some config in input.configs
	config.file == root_file
}

root_file := "live/root.hcl"

# METADATA
# title: The environment, or folder of the account's own, that a unit stands in
home(unit) := environment if {
	some environment in input.environments
	environment.folder == folder_of(unit.path)
}

folder_of(path) := concat("/", array.slice(split(path, "/"), 0, 3))

# METADATA
# title: An environment, or folder of an account's own, by its name
environment(name) := [found | some found in input.environments; found.name == name][0]

names contains found.name if some found in input.environments

# METADATA
# title: Whether a version names one release exactly
exact(version) if {
	is_string(version)
	regex.match(`^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)$`, version)
}

# METADATA
# title: A text with every run of spaces and line ends as one space
flat(text) := trim_space(regex.replace(text, `\s+`, " "))

# METADATA
# title: A value of HCL with every text in it flat, at its first two levels
flattened(value) := flat(value) if {
	is_string(value)
} else := {key: flat(text) | some key, text in value} if {
	is_object(value)
}

# METADATA
# title: A value of HCL as text to search words in
# description: |
#   JSON spells line ends and some signs as escapes, whose letters would run into the word that follows.
text(value) := regex.replace(json.marshal(value), `\\(u[0-9a-f]{4}|[bfnrt])`, " ")

# METADATA
# title: What may stand between a function's name and its bracket
gap := `(?:\s|/\*.*?\*/|(?:#|//)[^(]*)*\(`

# METADATA
# title: The same where the text still has its lines, which end a comment
source_gap := `(?:\s|/\*[\s\S]*?\*/|(?:#|//)[^\n]*\n)*\(`

# METADATA
# title: A file as JSON and as it stands, each with what may stand before a bracket
# description: |
#   The JSON lacks the comments, the text lacks nothing: a call that the one does not show stands in the other.
readings(file) := [
	{"text": replace(text(file.hcl), `\"`, `"`), "gap": gap},
	{"text": file.text, "gap": source_gap},
]

# METADATA
# title: A text of HCL with single spaces and without comments
# description: |
#   Where something must be set, a comment that says so does not count. A heredoc could hold anything as
#   mere text, so that one is no code at all.
code(text) := flat(regex.replace(text, `(?m)(^|\s)(#|//).*$|/\*[\s\S]*?\*/`, " ")) if not contains(text, "<<")
