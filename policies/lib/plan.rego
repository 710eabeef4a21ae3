# METADATA
# title: Reading a Terraform plan
# description: |
#   A value of a planned resource is in `change.after`, or it is unknown: then `change.after_unknown` is
#   `true` at its path, or at any parent of it, where a whole block is unknown. What an unknown value will
#   be made of, `configuration` tells: the references of its expression.
# schemas:
#   - input: schema.plan
package lib.plan

# METADATA
# title: The resources that exist after the plan, whether it changes them or not
existing := [resource |
	some resource in input.resource_changes
	resource.mode == "managed"
	resource.change.after != null
]

# METADATA
# title: The existing resources of a type
resources(type) := object.get(by_type, type, [])

by_type[type] := members if {
	some type in {resource.type | some resource in existing}
	members := [resource | some resource in existing; resource.type == type]
}

# METADATA
# title: Whether the value at a path of a resource, or a part of it, is known only after the apply
# scope: document
unknown(resource, _) if resource.change.after_unknown == true

# Most attributes have no entry at all: the loop is for the few that have.
unknown(resource, path) if {
	block := resource.change.after_unknown[path[0]]
	unknown_within(block, array.slice(path, 1, count(path)))
}

unknown_within(true, _)

unknown_within(block, path) if {
	some length in numbers.range(1, count(path))
	at(block, array.slice(path, 0, length)) == true
}

unknown_within(block, path) if walk(at(block, path), [_, true])

# METADATA
# title: The value at a path of a resource; null where there is none
value(resource, path) := at(resource.change.after, path)

# METADATA
# title: The known value at a path of a resource; undefined where it is unknown
known(resource, path) := value(resource, path) if not unknown(resource, path)

# METADATA
# title: A finding about a resource, with what the rule's own metadata says of it
finding(chain, resource, message) := general(chain, resource.address, message)

# METADATA
# title: A finding about an address, or about the whole plan where it is empty
general(chain, address, message) := {
	"id": rule.custom.id,
	"severity": rule.custom.severity,
	"title": rule.title,
	"address": address,
	"message": message,
	"remedy": rule.custom.remedy,
	"link": rule.related_resources[0].ref,
	"waivable": object.get(rule.custom, "waivable", true),
} if {
	rule := [link.annotations |
		some link in chain
		link.annotations.custom.id
	][0]
}

at(document, path) := object.get({"": document}, array.concat([""], path), null)

# METADATA
# title: What is planned, as text
# description: |
#   The existing resources' values, the plan's outputs and the unit's inputs as JSON, by address: what must
#   stand nowhere at all is searched in it, which costs a fraction of a walk over every value.
texts := object.union(resource_texts, named_texts)

# METADATA
# title: All of it in one, to tell quickly whether there is anything to find
all_text := concat("\n", [text | some text in texts])

resource_texts[resource.address] := json.marshal(resource.change.after) if some resource in existing

named_texts := object.union(
	{address: json.marshal(variable) |
		some name, variable in input.variables
		address := concat("", ["var.", name])
	},
	{address: json.marshal(object.get(output, "after", null)) |
		some name, output in input.output_changes
		address := concat("", ["output.", name])
	},
)

# METADATA
# title: The modules of the plan's configuration, to a depth of three calls
modules := array.flatten([root, calls(root), calls(calls(root)), calls(calls(calls(root)))])

# METADATA
# title: Whether a module lies deeper than the policies look
nested_too_deep if count(calls(calls(calls(calls(root))))) > 0

root := [{"path": "", "module": module} | module := input.configuration.root_module]

calls(parents) := [{"path": path, "module": call.module} |
	some parent in parents
	some name, call in parent.module.module_calls
	path := concat("", [parent.path, "module.", name, "."])
]

# METADATA
# title: The configuration of each resource and data source, by its address without indexes
configuration[address] := resource if {
	some module in modules
	some resource in module.module.resources
	address := concat("", [module.path, resource.address])
}

# METADATA
# title: Whether the configuration sets an attribute of a resource
configured(resource, attribute) if {
	object.get(configuration, [configuration_address(resource), "expressions", attribute], null) != null
}

# METADATA
# title: What the expression of a resource's attribute refers to, by way of its for_each too
references(resource, attribute) := direct | repeated if {
	block := object.get(configuration, configuration_address(resource), {})
	direct := {name | some name in object.get(block, ["expressions", attribute, "references"], [])}
	repeated := {name |
		"each.value" in direct
		some name in object.get(block, ["for_each_expression", "references"], [])
	}
}

# METADATA
# title: Whether an attribute's expression refers to a resource of a type
refers(resource, attribute, type) if {
	some name in references(resource, attribute)
	startswith(name, concat("", [type, "."]))
}

# METADATA
# title: Whether an attribute of a resource names another resource of the same module
# scope: document
# description: |
#   By its value; or, where both are new and the value is unknown, by the reference in the configuration.
names(resource, attribute, other, key) if {
	sibling(resource, other)
	value(resource, [attribute]) == value(other, [key])
	value(resource, [attribute]) != null
}

names(resource, attribute, other, _) if {
	sibling(resource, other)
	unknown(resource, [attribute])
	concat(".", [other.type, other.name]) in references(resource, attribute)
}

sibling(resource, other) if {
	module_address(resource) == module_address(other)
	count({member.index | some member in [resource, other]}) < 2
}

module_address(resource) := object.get(resource, "module_address", "")

configuration_address(resource) := concat(".", [resource.type, resource.name]) if module_address(resource) == ""

configuration_address(resource) := concat(".", [path, resource.type, resource.name]) if {
	module_address(resource) != ""
	path := regex.replace(module_address(resource), `\["(?:[^"\\]|\\.)*"\]|\[\d+\]`, "")
}

# METADATA
# title: The resources of a type that name another resource by an attribute
companions(resource, type, attribute, key) := [companion |
	some companion in resources(type)
	names(companion, attribute, resource, key)
]

# METADATA
# title: The managed resources that the plan loses, and how
# description: Deleted, replaced, or no longer known to Terraform.
losses := [{"resource": resource, "word": word} |
	some resource in input.resource_changes
	some action in resource.change.actions
	action in {"delete", "forget"}
	resource.mode == "managed"
	word := loss(action, count(resource.change.actions))
]

loss("delete", 1) := "deletion"

loss("delete", 2) := "replacement"

loss("forget", _) := "forgetting"
