package live.dependencies.boundary_test

import data.lib.example_test as example
import data.live.dependencies.boundary

test_allow_own_environment if count(boundary.deny) == 0 with input as example.whole

test_allow_own_accounts_folder if {
	count(boundary.deny) == 0 with input as example.with_dependency({"target": "non-prod/eu-west-1/account/dns-zone"})
}

test_deny_another_environment_of_the_account if {
	count(boundary.deny) == 1 with input as example.with_dependency({"target": "non-prod/eu-west-1/stage/registry"})
}

test_deny_another_account if {
	count(boundary.deny) == 1 with input as example.with_dependency({"target": "prod/eu-west-1/prod/registry"})
	count(boundary.deny) == 1 with input as example.with_dependency({"target": "security/eu-west-1/ca/pki"})
}

test_allow_what_another_rule_denies if count(boundary.deny) == 0 with input as example.with_dependency({"target": ""})
