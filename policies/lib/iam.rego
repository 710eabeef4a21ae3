# METADATA
# title: Reading the IAM policies of a plan
# description: |
#   A policy is JSON within a string, and wholly unknown as soon as one ARN in it is. Here each known one is
#   taken apart once, its statements brought into one form: lists where IAM takes a string as well.
# schemas:
#   - input: schema.plan
package lib.iam

import data.lib.plan

# METADATA
# title: Where resources hold policies, and of which kind
# description: |
#   `identity` says what its holder may do, `trust` who may take a role, `resource` who may do what with the
#   thing that it is attached to.
holders := {
	"aws_cloudwatch_event_bus_policy": {"policy": "resource"},
	"aws_cloudwatch_log_resource_policy": {"policy_document": "resource"},
	"aws_dynamodb_resource_policy": {"policy": "resource"},
	"aws_ecr_registry_policy": {"policy": "resource"},
	"aws_ecr_repository_policy": {"policy": "resource"},
	"aws_iam_group_policy": {"policy": "identity"},
	"aws_iam_policy": {"policy": "identity"},
	"aws_iam_role": {"assume_role_policy": "trust"},
	"aws_iam_role_policy": {"policy": "identity"},
	"aws_iam_user_policy": {"policy": "identity"},
	"aws_kms_key": {"policy": "resource"},
	"aws_kms_key_policy": {"policy": "resource"},
	"aws_kms_replica_key": {"policy": "resource"},
	"aws_s3_bucket_policy": {"policy": "resource"},
	"aws_secretsmanager_secret": {"policy": "resource"},
	"aws_secretsmanager_secret_policy": {"policy": "resource"},
	"aws_sns_topic": {"policy": "resource"},
	"aws_sns_topic_policy": {"policy": "resource"},
	"aws_sqs_queue": {"policy": "resource"},
	"aws_sqs_queue_policy": {"policy": "resource"},
}

# METADATA
# title: Every policy of the plan, known or not
policies := [policy |
	some resource in plan.existing
	some attribute, kind in holders[resource.type]
	policy := {"resource": resource, "attribute": attribute, "kind": kind}
]

# METADATA
# title: The policies whose text is known and set, with it
documents := [document |
	some policy in policies
	text := plan.known(policy.resource, [policy.attribute])
	not text in {null, ""}
	document := object.union(policy, {"text": text})
]

# METADATA
# title: The known policies that are no JSON object
unreadable := [document | some document in documents; not readable(document)]

# Not within the negation, from which a call that fails would be moved out.
readable(document) if is_object(json.unmarshal(document.text))

# METADATA
# title: The policies that are set, and known only after the apply
# description: |
#   Some attributes are filled by AWS when they are left out: those are unknown and not configured, and what
#   AWS fills in is no choice of the plan.
unknown := [policy |
	some policy in policies
	plan.unknown(policy.resource, [policy.attribute])
	plan.configured(policy.resource, policy.attribute)
]

# METADATA
# title: The statements of all known policies, in one form
statements := [statement |
	some document in documents
	some index, raw in list(object.get(json.unmarshal(document.text), "Statement", []))
	statement := {
		"resource": document.resource,
		"kind": document.kind,
		"name": object.get(raw, "Sid", sprintf("statement %d", [index + 1])),
		"allows": object.get(raw, "Effect", "Allow") != "Deny",
		"actions": [lower(action) | some action in list(object.get(raw, "Action", []))],
		"resources": list(object.get(raw, "Resource", [])),
		"principals": principals(object.get(raw, "Principal", {})),
		"conditions": conditions(object.get(raw, "Condition", {})),
		"negations": object.keys(raw) & {"NotAction", "NotPrincipal", "NotResource"},
	}
]

# METADATA
# title: The statements that allow something, by the kind of their policy
allowing[kind] := members if {
	some kind in {"identity", "resource", "trust"}
	members := [statement |
		some statement in statements
		statement.kind == kind
		statement.allows
	]
}

# METADATA
# title: A finding about a statement
finding(chain, statement, message) := plan.finding(
	chain, statement.resource,
	sprintf("%s: %s", [statement.name, message]),
)

# METADATA
# title: The values that a statement's conditions compare a key with by equality or by likeness
compared(statement, key) := {value |
	some condition in statement.conditions
	condition.key == key
	regex.match(`^(foranyvalue:)?(arn|string)(equals|like)(ignorecase)?$`, condition.operator)
	some value in condition.values
}

principals(principal) := {{"type": type, "value": value} |
	is_object(principal)
	some type, values in principal
	some value in list(values)
} | {{"type": "AWS", "value": principal} | is_string(principal)}

conditions(operators) := {condition |
	some operator, keys in operators
	some key, values in keys
	condition := {
		"operator": lower(operator),
		"key": lower(key),
		"values": {value | some value in list(values)},
	}
}

list(value) := value if is_array(value)

list(value) := [value] if not is_array(value)

# METADATA
# title: The policy that bounds the roles of the unit's account
boundary := sprintf("arn:aws:iam::%s:policy/%s-boundary", [input.unit.account_id, input.unit.organization])
