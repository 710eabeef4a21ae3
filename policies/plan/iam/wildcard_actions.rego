# METADATA
# title: IAM policies name the actions they allow
# description: |
#   A wildcard allows what AWS adds to a service tomorrow. Allowed are whole families of reading,
#   such as dynamodb:Describe* or s3:GetBucket*, since they show settings and no content, and the wildcards
#   that this rule declares with a reason. NotAction allows everything but a list.
# related_resources:
#   - https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege
# schemas:
#   - input: schema.plan
# custom:
#   id: IAM-002
#   severity: high
#   remedy: Name each action. A family that is needed is declared in this rule, with its reason.
package plan.iam.wildcard_actions

import data.lib.iam

declared := {
	"kms:generatedatakey*", # with and without the plain text: one right, which services ask for in both forms
	"s3:putbucket*", # the eleven settings of a bucket; no action of the family touches an object
}

# Describe* of anything; Get and List only with a noun after them, and one that holds no content.
reads := `^[a-z0-9-]+:(describe[a-z]*|(get|list)[a-z]+)\*$`

# Get* of these is the content itself, also where the noun is only begun: s3:GetO* is finished with objects.
content := {
	"authorization", "credential", "federation", "item", "log", "object", "parameter", "password", "random",
	"record", "secret", "session", "shard",
}

deny contains iam.finding(rego.metadata.chain(), statement, sprintf("%s is a wildcard", [action])) if {
	some statement in granting
	some action in statement.actions
	wildcard(action)
	not action in declared
	not reads_settings(action)
	not delegates_to_iam(statement)
}

deny contains iam.finding(rego.metadata.chain(), statement, sprintf("%s allows all but a list", [name])) if {
	some statement in granting
	some name in statement.negations
}

granting := array.flatten([iam.allowing.identity, iam.allowing.resource, iam.allowing.trust])

wildcard(action) if contains(action, "*")

wildcard(action) if contains(action, "?")

reads_settings(action) if {
	regex.match(reads, action)
	not reads_content(action)
}

reads_content(action) if {
	noun := trim_suffix(regex.replace(action, `^[a-z0-9-]+:(get|list)`, ""), "*")
	some word in content
	begins_alike(noun, word)
}

begins_alike(one, other) if startswith(one, other)

begins_alike(one, other) if startswith(other, one)

# What a key's policy says by default: the account's own IAM policies decide. A key that signs is judged by KMS-002.
delegates_to_iam(statement) if {
	statement.resource.type == "aws_kms_key"
	statement.actions == ["kms:*"]
	statement.principals == {{"type": "AWS", "value": sprintf("arn:aws:iam::%s:root", [input.unit.account_id])}}
}
