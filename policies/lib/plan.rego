# METADATA
# title: Reading a Terraform plan
# description: |
#   A value of a planned resource is in `change.after`, or it is unknown: then `change.after_unknown` is
#   `true` at its path, or at any parent of it, where a whole block is unknown.
# schemas:
#   - input: schema.plan
package lib.plan

# METADATA
# title: The resources of a type that exist after the plan, whether it changes them or not
resources(type) := [resource |
	some resource in input.resource_changes
	resource.mode == "managed"
	resource.type == type
	resource.change.after != null
]

# METADATA
# title: Whether the value at a path of a resource, or a part of it, is known only after the apply
unknown(resource, path) if {
	some length in numbers.range(0, count(path))
	at(resource.change.after_unknown, array.slice(path, 0, length)) == true
}

# METADATA
# title: The value at a path of a resource; null where there is none
value(resource, path) := at(resource.change.after, path)

# METADATA
# title: A finding about a resource, with the id and severity of the check's own metadata
finding(chain, resource, message) := {
	"id": check.custom.id,
	"severity": check.custom.severity,
	"title": check.title,
	"address": resource.address,
	"message": message,
} if {
	check := [link.annotations |
		some link in chain
		link.annotations.custom.id
	][0]
}

at(document, path) := document if count(path) == 0

at(document, path) := object.get(document, path, null) if {
	count(path) > 0
	type_name(document) == "object"
}

at(document, path) := null if {
	count(path) > 0
	type_name(document) != "object"
}
