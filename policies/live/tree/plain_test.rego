package live.tree.plain_test

import data.lib.example_test as example
import data.live.tree.plain

folder := "live/prod/eu-west-1/prod"

versions(hcl) := example.with_config(sprintf("%s/versions.hcl", [folder]), hcl)

test_allow_locals_and_one_map if {
	count(plain.deny) == 0 with input as example.whole
	count(plain.deny) == 0 with input as versions({"locals": [{"versions": {"registry": "1.0.0"}}]})
	count(plain.deny) == 0 with input as example.with_config(
		"live/prod/account.hcl",
		{"locals": [{"name": "x", "operators": []}]},
	)
}

test_deny_more_than_locals if {
	count(plain.deny) == 1 with input as example.with_config("live/prod/account.hcl", {"locals": [{}], "inputs": {}})
}

test_deny_what_is_no_map_of_pins if {
	documents := [
		{"locals": [{"versions": "${merge(local.a, local.b)}"}]},
		{"locals": [{"versions": {}, "other": {}}]},
		{"locals": [{"versions": {}}, {}]},
		{"locals": []},
		{},
	]
	every hcl in documents {
		count(plain.deny) == 1 with input as versions(hcl)
	}
}
