package live.images.pinned_test

import data.lib.example_test as example
import data.live.images.pinned

runs(uri) := example.with_environments([object.union(
	object.remove(example.document.environments[0], {"images"}),
	{"images": {"authorizer": uri}},
)])

test_allow_digest_in_a_registry_of_ours if count(pinned.deny) == 0 with input as example.whole

test_allow_no_images if {
	environment := object.union(object.remove(example.document.environments[0], {"images"}), {"images": {}})
	count(pinned.deny) == 0 with input as example.with_environments([environment])
}

test_deny_tag if count(pinned.deny) == 1 with input as runs("222222222222.dkr.ecr.eu-west-1.amazonaws.com/example:v1")

test_deny_registry_of_another_account if {
	count(pinned.deny) == 1 with input as runs(replace(example.image("a"), "222222222222", "444444444444"))
}

test_deny_where_it_cannot_be_judged if {
	every uri in ["${local.image}", null, 1, "", sprintf("%s\n", [example.image("a")])] {
		count(pinned.deny) == 1 with input as runs(uri)
	}
}
