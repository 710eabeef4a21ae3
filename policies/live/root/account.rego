# METADATA
# title: root.hcl keeps every unit in its own account
# description: |
#   The account's id follows from the unit's folder, the provider refuses any other account, and a role of that
#   account is assumed. Whatever credentials a run starts with, it then reaches one account only. One line more
#   in the provider, such as another endpoint or a proxy, would hand a job's token to whoever answers there.
# related_resources:
#   - https://registry.terraform.io/providers/hashicorp/aws/latest/docs#allowed_account_ids
# schemas:
#   - input: schema.live
# custom:
#   id: ROOT-001
#   severity: critical
#   remedy: Restore the lines of root.hcl; a change of how accounts are kept apart changes this rule as well.
#   waivable: false
package live.root.account

import data.lib.live

# Statements of root.hcl's locals, with single spaces.
locals_ := {
	"account": "${read_terragrunt_config(find_in_parent_folders(\"account.hcl\")).locals}",
	"account_id": "${local.organization.accounts[local.account.name]}",
	"bootstrap": "${get_env(\"MTLS_BOOTSTRAP\", \"\") == \"1\"}",
	"role": "${get_env(\"MTLS_ROLE\", \"plan\")}",
	"token_file": "${get_env(\"AWS_WEB_IDENTITY_TOKEN_FILE\", \"\")}",
	"assumption": "${local.token_file == \"\" ? \"assume_role\" : \"assume_role_with_web_identity\"}",
	"laptop": "${get_env(\"AWS_ENDPOINT_URL\", \"\") != \"\"}",
	"role_arn": "${local.role_arns[local.role]}",
	"role_arns": {
		"plan": "arn:aws:iam::${local.account_id}:role/${local.organization.organization}-plan",
		"apply": "arn:aws:iam::${local.account_id}:role/${local.organization.organization}-apply",
	},
	"session": concat("", [
		"${{ for argument, value in { role_arn = local.role_arn session_name = \"terragrunt\" web_identity_token_file ",
		"= local.token_file } : argument => value if value != \"\" }}",
	]),
}

# Parts of the provider that root.hcl generates.
provider := {
	"allowed_account_ids": "allowed_account_ids = [\"${local.account_id}\"]",
	"the assumed role": concat("", [
		"%{if !local.bootstrap} ${local.assumption} { ${join(\"\\n \", [for argument, value in local.session ",
		": \"${argument} = \\\"${value}\\\"\"])} } %{endif}",
	]),
}

deny contains live.finding(rego.metadata.chain(), live.root_file, live.root_file, message) if {
	live.root
	some name, expected in locals_
	not says(name, expected)
	message := sprintf("locals: %s is not what keeps accounts apart", [name])
}

deny contains live.finding(rego.metadata.chain(), live.root_file, live.root_file, message) if {
	live.root
	some name, expected in provider
	not generated(expected)
	message := sprintf("the generated provider lacks %s", [name])
}

deny contains live.finding(
	rego.metadata.chain(), live.root_file, live.root_file,
	"the generated provider holds more, or something else, than it should",
) if {
	live.root
	not as_it_should_be
	every expected in provider {
		generated(expected)
	}
}

deny contains live.finding(rego.metadata.chain(), live.root_file, live.root_file, "there is no root.hcl") if {
	count(input.units) > 0
	not live.root
}

says(name, expected) if live.flattened(live.root.locals[0][name]) == expected

generated(expected) if {
	count(live.root.generate.provider) == 1
	text := live.code(live.root.generate.provider[0].contents)
	count(regex.find_n(`\bprovider "`, text, -1)) == 1
	contains(text, expected)
}

as_it_should_be if {
	[block] := live.root.generate.provider
	object.remove(block, {"contents"}) == {"path": "provider.tf", "if_exists": "overwrite_terragrunt"}
	[trim_space(line) | some line in split(block.contents, "\n"); trim_space(line) != ""] == lines
}

# Line by line, comments too: a comment in a template can end in the middle of its line.
lines := [
	"provider \"aws\" {",
	"region              = \"${local.region}\"",
	"allowed_account_ids = [\"${local.account_id}\"]",
	"%{if !local.bootstrap}",
	"${local.assumption} {",
	"${join(\"\\n    \", [for argument, value in local.session : \"${argument} = \\\"${value}\\\"\"])}",
	"}",
	"%{endif}",
	"# The local cloud serves one host name, knows any credentials, and has no instance metadata to ask.",
	"s3_use_path_style           = ${local.laptop}",
	"skip_credentials_validation = ${local.laptop}",
	"skip_metadata_api_check     = ${local.laptop}",
	"default_tags {",
	"tags = {",
	"organisation = \"${local.organization.organization}\"",
	"account      = \"${local.account.name}\"",
	"environment  = \"${local.environment.name}\"",
	"unit         = \"${path_relative_to_include()}\"",
	"managed-by   = \"terragrunt\"",
	"repository   = \"${local.organization.github_repository}\"",
	"}",
	"}",
	"}",
]
