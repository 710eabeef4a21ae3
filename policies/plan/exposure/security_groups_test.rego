package plan.exposure.security_groups_test

import data.lib.fixture_test as fixture
import data.plan.exposure.security_groups as rule

planned(type, after, after_unknown) := fixture.document([fixture.resource(type, after, after_unknown)])

test_allow_named_addresses if {
	plan := planned("aws_security_group", {"ingress": [{"cidr_blocks": ["10.0.0.0/8"]}]}, {"id": true})
	count(rule.deny) == 0 with input as plan
	count(rule.undecided) == 0 with input as plan
}

test_allow_going_out if {
	made := planned("aws_security_group", {"egress": [{"cidr_blocks": ["0.0.0.0/0"]}]}, {})
	count(rule.deny) == 0 with input as made
	outbound := {"type": "egress", "cidr_blocks": ["0.0.0.0/0"]}
	count(rule.deny) == 0 with input as planned("aws_security_group_rule", outbound, {})
}

test_deny_everywhere if {
	every type, after in {
		"aws_security_group": {"ingress": [{"cidr_blocks": ["10.0.0.0/8", "0.0.0.0/0"]}]},
		"aws_security_group_rule": {"type": "ingress", "cidr_blocks": ["0.0.0.0/0"]},
		"aws_vpc_security_group_ingress_rule": {"cidr_ipv4": "0.0.0.0/0"},
	} {
		fixture.messages(rule.deny) == {"0.0.0.0/0 is let in"} with input as planned(type, after, {})
	}
	six := {"type": "ingress", "ipv6_cidr_blocks": ["::/0"]}
	fixture.messages(rule.deny) == {"::/0 is let in"} with input as planned("aws_security_group_rule", six, {})
}

test_undecided_at_each_prefix if {
	every after_unknown in [
		{"ingress": [{"cidr_blocks": [true]}]},
		{"ingress": [{"cidr_blocks": true}]},
		{"ingress": [true]},
		{"ingress": true},
		true,
	] {
		made := planned("aws_security_group", {}, after_unknown)
		fixture.messages(rule.undecided) == {"ingress is unknown"} with input as made
	}
}
