package live.code.data_sources_test

import data.lib.example_test as example
import data.live.code.data_sources

reads(type) := example.with_module({"data": [{"type": type, "address": sprintf("data.%s.x", [type]), "file": "x"}]})

test_allow_facts_of_aws if {
	count(data_sources.deny) == 0 with input as example.whole
	count(data_sources.deny) == 0 with input as reads("aws_iam_policy_document")
}

test_deny_code_and_secrets if {
	every type in data_sources.forbidden {
		count(data_sources.deny) == 1 with input as reads(type)
	}
}

test_the_list_has_what_runs_code if {
	every type in ["external", "http", "terraform_remote_state"] {
		type in data_sources.forbidden
	}
}
