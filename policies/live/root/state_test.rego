package live.root.state_test

import data.lib.example_test as example
import data.live.root.state

s3(from, to) := example.with_root_locals({"state_configs": object.union(
	example.root.hcl.locals[0].state_configs,
	{"s3": replace(example.root.hcl.locals[0].state_configs.s3, from, to)},
)})

remote(changes) := example.with_root({"remote_state": [object.union(example.root.hcl.remote_state[0], changes)]})

test_allow_root if count(state.deny) == 0 with input as example.whole

test_deny_state_without_a_setting if {
	changes := [
		["use_lockfile = true", "use_lockfile = false"], ["use_lockfile = true", "# use_lockfile = true"],
		["encrypt      = true", "// encrypt = true"], ["encrypt      = true", ""], ["path_relative_to_include()", "x"],
		["local.state_bucket_name", "\"other\""], ["local.session if !local.bootstrap", "local.session if false"],
	]
	every change in changes {
		count(state.deny) == 1 with input as s3(change[0], change[1])
	}
}

test_deny_another_backend if {
	changes := [
		{"backend": "local"}, {"config": {"bucket": "x"}}, {"disable_init": true},
		{"generate": {"if_exists": "skip"}},
	]
	every change in changes {
		count(state.deny) == 1 with input as remote(change)
	}
}

test_deny_no_backend_and_another_bucket if {
	count(state.deny) == 1 with input as example.with_root({"remote_state": []})
	count(state.deny) == 1 with input as example.with_root_locals({"state_bucket_name": "other"})
	count(state.deny) == 1 with input as example.with_root_locals({"state_backend": "local"})
	count(state.deny) == 1 with input as example.with_root_locals({"bootstrap_state": "/tmp/state"})
}

test_allow_what_another_rule_denies if {
	count(state.deny) == 0 with input as object.union(example.whole, {"configs": []})
}

test_deny_state_that_is_not_there if {
	without := {"locals": [object.remove(example.root.hcl.locals[0], {"state_configs"})]}
	count(state.deny) == count(state.settings) with input as example.with_root(without)
}

test_deny_one_setting_more if {
	changes := {
		"encrypt      = true": "encrypt      = true\n        endpoints = { s3 = \"https://example.com\" }",
		"/terraform.tfstate\"": "/terraform.tfstate/*\"\n        insecure = true\n        x = \"*/\"",
	}
	every from, to in changes {
		count(state.deny) == 1 with input as s3(from, to)
	}
}

test_deny_another_file_for_a_state if {
	configs := object.union(example.root.hcl.locals[0].state_configs, {"local": {"path": "x"}})
	count(state.deny) == 1 with input as example.with_root_locals({"state_configs": configs})
}
