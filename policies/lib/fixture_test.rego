# What tests of rules are written with: resources, units and plan documents.
package lib.fixture_test

resource(type, after, after_unknown) := {
	"address": concat("", [type, ".this"]),
	"mode": "managed",
	"type": type,
	"name": "this",
	"change": {"actions": ["create"], "before": null, "after": after, "after_unknown": after_unknown},
}

# A resource that a policy is in, and the policy's one statement.
policy(type, attribute, statement) := resource(
	type,
	{"name": "example-dev-thing", attribute: json.marshal({"Version": "2012-10-17", "Statement": [statement]})},
	{},
)

# A resource whose attribute is unknown, and set by the configuration.
unknown_policy(type, attribute) := object.union(
	document([resource(type, {"name": "example-dev-thing"}, {attribute: true})]),
	configuration([{
		"address": concat("", [type, ".this"]),
		"type": type,
		"name": "this",
		"expressions": {attribute: {"references": ["aws_thing.this.arn", "aws_thing.this"]}},
	}]),
)

configuration(resources) := {"configuration": {"root_module": {"resources": resources}}}

change(type, actions, before) := {
	"address": concat("", [type, ".this"]),
	"mode": "managed",
	"type": type,
	"name": "this",
	"change": {"actions": actions, "before": before, "after": null, "after_unknown": {}},
}

document(changes) := {
	"format_version": "1.2",
	"errored": false,
	"complete": true,
	"resource_changes": changes,
	"unit": dev,
}

document_of(unit, changes) := object.union(document(changes), {"unit": unit})

dev := {
	"path": "non-prod/eu-west-1/dev/thing",
	"account": "non-prod",
	"account_id": "222222222222",
	"region": "eu-west-1",
	"environment": "dev",
	"name": "thing",
	"module": "thing",
	"version": "local",
	"last_environment": false,
	"promotion": ["dev", "stage", "prod"],
	"organization": "example",
	"accounts": {"security": "111111111111", "non-prod": "222222222222", "prod": "333333333333"},
	"mode": "review",
	"destroy": false,
}

prod := object.union(dev, {
	"path": "prod/eu-west-1/prod/thing",
	"account": "prod",
	"account_id": "333333333333",
	"environment": "prod",
	"version": "1.2.0",
	"last_environment": true,
})

ca := object.union(dev, {
	"path": "security/eu-west-1/ca/thing",
	"account": "security",
	"account_id": "111111111111",
	"environment": "ca",
})

messages(findings) := {finding.message | some finding in findings}

addresses(findings) := {finding.address | some finding in findings}
