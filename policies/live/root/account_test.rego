package live.root.account_test

import data.lib.example_test as example
import data.live.root.account

provider(contents) := example.with_root({"generate": {"provider": [object.union(
	example.root.hcl.generate.provider[0],
	{"contents": contents},
)]}})

contents := example.root.hcl.generate.provider[0].contents

test_allow_root if count(account.deny) == 0 with input as example.whole

test_deny_another_role_or_account if {
	changes := [
		{"account_id": "444444444444"},
		{"account_id": "${local.organization.accounts[\"prod\"]}"},
		{"role": "apply"},
		{"role_arn": "${local.role_arns.apply}"},
		{"role_arns": {"plan": "arn:aws:iam::${local.account_id}:role/Admin", "apply": "x"}},
		{"session": "${{}}"},
		{"token_file": "/tmp/token"},
		{"assumption": "${get_env(\"X\", \"\")}"},
		{"laptop": true},
		{"bootstrap": true},
		{"account": null},
	]
	every change in changes {
		count(account.deny) == 1 with input as example.with_root_locals(change)
	}
}

test_deny_provider_without_allowed_accounts if {
	some finding in account.deny with input as provider(replace(
		contents, "allowed_account_ids",
		"# allowed_account_ids_",
	))
	finding.message == "the generated provider lacks allowed_account_ids"
}

test_deny_what_only_a_comment_says if {
	every sign in ["#", "//", "/* */ #"] {
		changed := replace(contents, "allowed_account_ids", sprintf("%s allowed_account_ids", [sign]))
		count(account.deny) == 1 with input as provider(changed)
	}
}

test_deny_what_is_mere_text if {
	heredoc := concat("", ["provider \"aws\" {\n  x = <<E\n", contents, "\nE\n}\n"])
	count(account.deny) == 2 with input as provider(heredoc)
}

test_deny_a_second_provider_in_one_file if {
	twice := concat("", [contents, "provider \"aws\" {\n  alias = \"x\"\n}\n"])
	count(account.deny) == 2 with input as provider(twice)
}

test_deny_provider_without_role if {
	count(account.deny) == 1 with input as provider(replace(contents, "if !local.bootstrap", "if false"))
}

test_deny_a_second_provider if {
	twice := [example.root.hcl.generate.provider[0], example.root.hcl.generate.provider[0]]
	count(account.deny) == 2 with input as example.with_root({"generate": {"provider": twice}})
}

test_deny_without_root if count(account.deny) == 1 with input as object.union(example.whole, {"configs": []})

test_allow_without_units if {
	count(account.deny) == 0 with input as object.union(example.whole, {"configs": [], "units": []})
}

test_deny_one_line_more_or_less if {
	changes := {
		"region              =": "http_proxy = \"http://example.com\"\n  insecure = true\n  region              =",
		"# The local cloud": "# ${\"\\n\"} endpoints { sts = \"https://example.com\" }",
		"default_tags {": "endpoints {\n    s3 = \"https://example.com\"\n  }\n  default_tags {",
		"skip_credentials_validation = ${local.laptop}": "skip_credentials_validation = true",
	}
	every from, to in changes {
		count(account.deny) == 1 with input as provider(replace(contents, from, to))
	}
}

test_deny_provider_in_another_file if {
	block := object.union(example.root.hcl.generate.provider[0], {"if_exists": "skip"})
	count(account.deny) == 1 with input as example.with_root({"generate": {"provider": [block]}})
}
