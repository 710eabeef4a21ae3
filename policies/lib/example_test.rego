# A small configuration that every rule over live/ allows, and ways to change it.
package lib.example_test

unit := {
	"path": "non-prod/eu-west-1/dev/authorizer",
	"account": "non-prod",
	"region": "eu-west-1",
	"environment": "dev",
	"name": "authorizer",
	"scope": "dev",
	"file": "live/non-prod/eu-west-1/dev/authorizer/terragrunt.hcl",
	"keys": ["dependency", "include", "inputs", "locals", "terraform"],
	"module": "authorizer",
	"dependencies": [dependency],
	"hcl": {
		"include": {"root": [{"path": "${find_in_parent_folders(\"root.hcl\")}", "expose": true}]},
		"terraform": [{"source": "${include.root.locals.sources[\"authorizer\"]}"}],
		"locals": [{"pin": "${jsondecode(file(include.root.locals.truststore_pin_file))}"}],
		"inputs": {"table_name": "${dependency.registry.outputs.table_name}", "version": "${local.pin.version}"},
	},
	"text": "",
}

dependency := {
	"name": "registry",
	"target": "non-prod/eu-west-1/dev/registry",
	"keys": ["config_path", "mock_outputs", "mock_outputs_allowed_terraform_commands"],
	"mock_outputs": {
		"table_name": "mock-registry",
		"table_arn": "arn:aws:dynamodb:eu-west-1:000000000000:table/mock-registry",
	},
	"commands": ["init", "validate"],
	"merge_strategy": null,
}

environment(account, name, previous, version) := {
	"name": name,
	"folder_name": name,
	"account": account,
	"region": "eu-west-1",
	"folder": sprintf("%s/eu-west-1/%s", [account, name]),
	"file": sprintf("live/%s/eu-west-1/%s/versions.hcl", [account, name]),
	"images_file": sprintf("live/%s/eu-west-1/%s/images.hcl", [account, name]),
	"previous": previous,
	"is_environment": true,
	"files": ["env.hcl", "versions.hcl"],
	"versions": {"authorizer": version},
	"images": {"authorizer": image("a")},
	"images_before": null,
}

own_folder(account, name) := object.union(environment(account, name, null, "1.0.0"), {
	"name": sprintf("%s/%s", [account, name]),
	"is_environment": false,
})

image(letter) := sprintf("222222222222.dkr.ecr.eu-west-1.amazonaws.com/example/authorizer@sha256:%s", [repeated]) if {
	repeated := concat("", [letter | some _ in numbers.range(1, 64)])
}

files := {"live/root.hcl", "live/organization.yaml", "live/README.md"} | {file |
	some environment in document.environments
	some file in {
		environment.images_file,
		sprintf("live/%s/account.hcl", [environment.account]),
		sprintf("live/%s/eu-west-1/region.hcl", [environment.account]),
		sprintf("live/%s/env.hcl", [environment.folder]),
		environment.file,
	}
}

module := {
	"name": "authorizer",
	"version": "local",
	"file": "modules/authorizer",
	"files": ["modules/authorizer/main.tf", "modules/authorizer/tests/inputs.tftest.hcl"],
	"providers": [{
		"name": "aws",
		"source": "hashicorp/aws",
		"version": ">= 5.100.0",
		"file": "modules/authorizer/versions.tf",
	}],
	"data": [{"type": "aws_region", "address": "data.aws_region.here", "file": "modules/authorizer/main.tf"}],
	"resources": [table(true)],
	"provisioners": [],
	"calls": [{"name": "function", "source": "../function", "file": "modules/authorizer/main.tf"}],
	"backends": [],
	"removed": [],
	"blocks": [{"type": "resource", "file": "modules/authorizer/main.tf"}],
}

table(prevent_destroy) := resource("aws_dynamodb_table", prevent_destroy, null)

resource(type, prevent_destroy, key_usage) := {
	"type": type,
	"address": sprintf("%s.this", [type]),
	"file": "modules/authorizer/main.tf",
	"prevent_destroy": prevent_destroy,
	"key_usage": key_usage,
	"customer_master_key_spec": null,
}

document := {
	"version": 1,
	"organization": {
		"organization": "example",
		"accounts": {"non-prod": "222222222222", "prod": "333333333333", "security": "111111111111"},
	},
	"promotion": ["dev", "stage", "prod"],
	"scopes": ["dev"],
	"paths": [unit.path, dependency.target],
	"units": [unit],
	"configs": [root],
	"environments": [
		environment("non-prod", "dev", null, "local"),
		environment("non-prod", "stage", "dev", "1.1.0"),
		environment("prod", "prod", "stage", "1.0.0"),
		own_folder("non-prod", "account"),
	],
	"modules": [module],
	"releases": {"authorizer": ["1.0.0", "1.1.0"]},
	"files": [],
	"problems": [],
	"protected": null,
}

whole := object.union(document, {"files": [file | some file in files]})

with_unit(changes) := object.union(whole, {"units": [object.union(unit, changes)]})

with_hcl(changes) := with_unit({"hcl": object.union(unit.hcl, changes)})

with_text(text) := with_unit({"text": text})

with_dependency(changes) := with_unit({"dependencies": [object.union(dependency, changes)]})

with_module(changes) := object.union(whole, {"modules": [object.union(module, changes)]})

with_environments(environments) := object.union(whole, {"environments": environments})

with_config(file, hcl) := object.union(whole, {"configs": [
	root,
	{"file": file, "keys": sort(object.keys(hcl)), "hcl": hcl, "text": ""},
]})

with_config_text(file, text) := object.union(whole, {"configs": [
	root,
	{"file": file, "keys": [], "hcl": {}, "text": text},
]})

with_root_text(text) := object.union(whole, {"configs": [object.union(root, {"text": text})]})

with_root(changes) := object.union(whole, {"configs": [object.union(root, {
	"hcl": object.union(root.hcl, changes),
	"keys": sort(object.keys(object.union(root.hcl, changes))),
})]})

with_root_locals(changes) := with_root({"locals": [object.union(root.hcl.locals[0], changes)]})

root := {"file": "live/root.hcl", "text": "", "keys": ["generate", "locals", "remote_state", "terraform"], "hcl": {
	"locals": [{
		"organization": "${yamldecode(file(mark_as_read(\"${get_parent_terragrunt_dir()}/organization.yaml\")))}",
		"account": "${read_terragrunt_config(find_in_parent_folders(\"account.hcl\")).locals}",
		"account_id": "${local.organization.accounts[local.account.name]}",
		"versions": "${read_terragrunt_config(find_in_parent_folders(\"versions.hcl\")).locals.versions}",
		"sources": concat("", [
			"${{\n    for module, version in local.versions : module => version == \"local\" ?\n    ",
			"\"${get_repo_root()}/modules//${module}\" ",
			":\n",
			"    \"git::https://github.com/${local.organization.github_repository}.git//modules/${module}?ref=refs/tags/modules/${module}/v${version}\"\n ",
			" }}",
		]),
		"bootstrap": "${get_env(\"MTLS_BOOTSTRAP\", \"\") == \"1\"}",
		"role": "${get_env(\"MTLS_ROLE\", \"plan\")}",
		"role_arns": {
			"plan": "arn:aws:iam::${local.account_id}:role/${local.organization.organization}-plan",
			"apply": "arn:aws:iam::${local.account_id}:role/${local.organization.organization}-apply",
		},
		"role_arn": "${local.role_arns[local.role]}",
		"session": concat("", [
			"${{\n    for argument, value in {\n      role_arn                = local.role_arn\n      session_name ",
			"           = \"terragrunt\"\n",
			"      web_identity_token_file = local.token_file\n    } : argument => value if value != \"\"\n  }}",
		]),
		"state_bucket_name": "${local.organization.organization}-tfstate-${local.account_id}",
		"token_file": "${get_env(\"AWS_WEB_IDENTITY_TOKEN_FILE\", \"\")}",
		"assumption": "${local.token_file == \"\" ? \"assume_role\" : \"assume_role_with_web_identity\"}",
		"laptop": "${get_env(\"AWS_ENDPOINT_URL\", \"\") != \"\"}",
		"truststore_pin_file": concat("", [
			"${format(\n    \"%s/truststore.json\",\n    local.laptop\n    ? ",
			"\"${local.local_dir}/pins/${local.environment.name}\"\n    : ",
			"\"${get_parent_terragrunt_dir()}/${local.account.name}/${local.region}/${local.environment.name}\"\n  )}",
		]),
		"bootstrap_state": "${get_env(\"MTLS_BOOTSTRAP_STATE\", \"\")}",
		"state_backend": "${local.bootstrap_state == \"\" ? \"s3\" : \"local\"}",
		"state_configs": {"local": {"path": "${local.bootstrap_state}"}, "s3": concat("\n", [
			"${merge(\n      {\n        bucket       = local.state_bucket_name",
			"        key          = \"${path_relative_to_include()}/terraform.tfstate\"",
			"        region       = local.region",
			"        encrypt      = true\n        use_lockfile = true\n",
			"        use_path_style              = local.laptop",
			"        skip_credentials_validation = local.laptop",
			"        skip_metadata_api_check     = local.laptop\n      },\n      {",
			"        for argument in [local.assumption] :",
			"        argument => local.session if !local.bootstrap\n      }\n    )}",
		])},
	}],
	"generate": {"provider": [{
		"path": "provider.tf",
		"if_exists": "overwrite_terragrunt",
		"contents": concat("\n", [
			"provider \"aws\" {",
			"  region              = \"${local.region}\"",
			"  allowed_account_ids = [\"${local.account_id}\"]",
			"%{if !local.bootstrap}",
			"  ${local.assumption} {",
			"    ${join(\"\\n    \", [for argument, value in local.session : \"${argument} = \\\"${value}\\\"\"])}",
			"  }",
			"%{endif}",
			"  # The local cloud serves one host name, knows any credentials, and has no instance metadata to ask.",
			"  s3_use_path_style           = ${local.laptop}",
			"  skip_credentials_validation = ${local.laptop}",
			"  skip_metadata_api_check     = ${local.laptop}",
			"",
			"  default_tags {",
			"    tags = {",
			"      organisation = \"${local.organization.organization}\"",
			"      account      = \"${local.account.name}\"",
			"      environment  = \"${local.environment.name}\"",
			"      unit         = \"${path_relative_to_include()}\"",
			"      managed-by   = \"terragrunt\"",
			"      repository   = \"${local.organization.github_repository}\"",
			"    }\n  }\n}\n",
		]),
	}]},
	"remote_state": [{
		"backend": "${local.state_backend}",
		"config": "${local.state_configs[local.state_backend]}",
		"generate": {"path": "backend.tf", "if_exists": "overwrite_terragrunt"},
	}],
	"terraform": [{"extra_arguments": {"providers_as_locked": [{
		"commands": ["init"],
		"arguments": ["-lockfile=readonly"],
	}]}}],
}}
