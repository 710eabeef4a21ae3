package live.tree.accounts_test

import data.lib.example_test as example
import data.live.tree.accounts

messages contains finding.message if some finding in accounts.deny

organization(ids) := object.union(object.remove(example.whole, {"organization"}), {"organization": {"accounts": ids}})

test_allow_ids_in_one_place if count(accounts.deny) == 0 with input as example.whole

test_allow_mocks_and_longer_numbers if {
	document := example.with_hcl({"inputs": {
		"a": "arn:aws:iam::000000000000:role/x", "b": "1234567890123",
		"c": "a123456789012",
	}})
	count(accounts.deny) == 0 with input as document
}

test_deny_ids_elsewhere if {
	every text in ["444444444444", "arn:aws:iam::444444444444:role/x", "${x\n?\n444444444444 : 1}"] {
		messages == {"it writes out the account 444444444444"} with input as example.with_hcl({"inputs": {"x": text}})
		messages == {"it writes out the account 444444444444"} with input as example.with_config(
			"live/prod/account.hcl",
			{"locals": [{"x": text}]},
		)
	}
}

test_deny_number_that_is_no_text if {
	messages == {"it writes out the account 444444444444"} with input as example.with_hcl({"inputs": {"x": 444444444444}})
}

test_allow_registries_of_images if {
	count(accounts.deny) == 0 with input as example.with_config(
		"live/prod/eu-west-1/prod/images.hcl",
		{"locals": [{"images": {"x": "222222222222.dkr"}}]},
	)
}

test_deny_ids_that_are_none if {
	every id in [333333333333, "33333333333", "000000000000", null, "${x}"] {
		messages == {"accounts: prod is no account id of twelve digits, in quotes"} with input as organization({
			"non-prod": "222222222222",
			"prod": id,
		})
	}
}

test_deny_one_id_twice if {
	"accounts: one id stands for two folders" in messages with input as organization({
		"non-prod": "222222222222",
		"prod": "222222222222",
	})
}

test_deny_account_without_id if {
	"the account prod has no id in organization.yaml" in messages with input as organization({"non-prod": "222222222222"})
}
