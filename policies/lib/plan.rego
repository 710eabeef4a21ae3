# METADATA
# title: Reading a Terraform plan
# description: |
#   A value of a planned resource is in `change.after`, or it is unknown: then `change.after_unknown` is
#   `true` at its path, or at any parent of it, where a whole block is unknown.
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

by_type := {type: members |
	some type in {resource.type | some resource in existing}
	members := [resource | some resource in existing; resource.type == type]
}

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

at(document, path) := document if count(path) == 0

at(document, path) := object.get(document, path, null) if {
	count(path) > 0
	type_name(document) == "object"
}

at(document, path) := null if {
	count(path) > 0
	type_name(document) != "object"
}
