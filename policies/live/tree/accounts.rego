# METADATA
# title: Account ids stand in organization.yaml alone
# description: |
#   An id that is written out elsewhere stays behind when accounts change, and can name an account that is not
#   the organisation's. Each folder below live/ has one account, and each account one folder.
# related_resources:
#   - https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-identifiers.html
# schemas:
#   - input: schema.live
# custom:
#   id: TREE-004
#   severity: high
#   remedy: Take the id from include.root.locals.organization.accounts.
package live.tree.accounts

import data.lib.live

organization_file := "live/organization.yaml"

listed := object.get(input.organization, "accounts", {})

mock := "000000000000"

deny contains live.finding(rego.metadata.chain(), file.file, file.file, message) if {
	some file in live.files
	not endswith(file.file, "/images.hcl") # names registries, which the rules of images judge
	some id in ids(file.hcl)
	id != mock
	message := sprintf("it writes out the account %s", [id])
}

deny contains live.finding(rego.metadata.chain(), organization_file, organization_file, message) if {
	some name, id in listed
	not is_id(id)
	message := sprintf("accounts: %s is no account id of twelve digits, in quotes", [name])
}

deny contains live.finding(
	rego.metadata.chain(), organization_file, organization_file,
	"accounts: one id stands for two folders",
) if {
	count(listed) != count({id | some id in listed})
}

deny contains live.finding(rego.metadata.chain(), environment.file, environment.name, message) if {
	some environment in input.environments
	not environment.account in object.keys(listed)
	message := sprintf("the account %s has no id in organization.yaml", [environment.account])
}

ids(document) := {match[1] |
	some match in regex.find_all_string_submatch_n(
		`(?:^|[^0-9A-Za-z])([0-9]{12})(?:[^0-9A-Za-z]|$)`, live.text(document),
		-1,
	)
}

is_id(id) if {
	is_string(id)
	regex.match(`^[0-9]{12}$`, id)
	id != mock
}
