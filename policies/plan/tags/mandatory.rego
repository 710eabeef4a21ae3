# METADATA
# title: Everything says whose it is
# description: |
#   Tags tell which unit made a thing, for what environment, and where its code is: costs, alarms and the
#   search for what was left over go by them. root.hcl sets them for the provider, so that a tag that differs
#   is one that somebody overrode.
# related_resources:
#   - https://docs.aws.amazon.com/whitepapers/latest/tagging-best-practices/tagging-best-practices.html
# schemas:
#   - input: schema.plan
# custom:
#   id: TAGS-001
#   severity: medium
#   remedy: Leave the tags to default_tags in root.hcl, and set none of these on a resource.
package plan.tags.mandatory

import data.lib.plan

expected := {
	"account": input.unit.account,
	"environment": input.unit.environment,
	"managed-by": "terragrunt",
	"organisation": input.unit.organization,
	"unit": input.unit.path,
}

deny contains plan.finding(rego.metadata.chain(), resource, message) if {
	some resource in taggable
	some key, value in expected
	found := plan.known(resource, ["tags_all", key])
	found != value
	message := sprintf("tag %s is %v, not %s", [key, found, value])
}

deny contains plan.finding(rego.metadata.chain(), resource, "tag repository names no repository") if {
	some resource in taggable
	not names_repository(plan.value(resource, ["tags_all", "repository"]))
	not plan.unknown(resource, ["tags_all", "repository"])
}

undecided contains plan.finding(rego.metadata.chain(), resource, sprintf("tag %s is unknown", [key])) if {
	some resource in taggable
	some key in (object.keys(expected) | {"repository"})
	plan.unknown(resource, ["tags_all", key])
}

# Those that are right, nearly all, need no closer look.
taggable := [resource |
	some resource in plan.existing
	has_tags(resource)
	not right(resource)
]

right(resource) if {
	object.subset(resource.change.after.tags_all, expected)
	names_repository(resource.change.after.tags_all.repository)
}

has_tags(resource) if "tags_all" in object.keys(resource.change.after)

has_tags(resource) if object.get(resource.change.after_unknown, "tags_all", false) == true

names_repository(tag) if regex.match(`^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$`, tag)
