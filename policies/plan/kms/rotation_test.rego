package plan.kms.rotation_test

import data.lib.fixture_test as fixture
import data.plan.kms.rotation as rule

key(after, after_unknown) := fixture.document([fixture.resource("aws_kms_key", after, after_unknown)])

spec := "customer_master_key_spec"

test_allow_rotation if {
	plan := key({spec: "SYMMETRIC_DEFAULT", "enable_key_rotation": true}, {"arn": true})
	count(rule.deny) == 0 with input as plan
	count(rule.undecided) == 0 with input as plan
}

test_allow_asymmetric if {
	plan := key({spec: "RSA_4096", "enable_key_rotation": false}, {})
	count(rule.deny) == 0 with input as plan
	count(rule.undecided) == 0 with input as key({spec: "RSA_4096"}, {"enable_key_rotation": true})
}

test_deny_no_rotation if {
	count(rule.deny) == 1 with input as key({spec: "SYMMETRIC_DEFAULT", "enable_key_rotation": false}, {})
	count(rule.deny) == 1 with input as key({}, {})
}

test_undecided_unknown_rotation if {
	plan := key({spec: "SYMMETRIC_DEFAULT"}, {"enable_key_rotation": true})
	fixture.messages(rule.undecided) == {"enable_key_rotation is unknown"} with input as plan
	count(rule.deny) == 0 with input as plan
}

test_undecided_unknown_spec if {
	plan := key({"enable_key_rotation": false}, {spec: true})
	fixture.messages(rule.undecided) == {"customer_master_key_spec is unknown"} with input as plan
	count(rule.deny) == 0 with input as plan
}

test_undecided_unknown_resource if {
	count(rule.undecided) == 2 with input as key({}, true)
}
