package plan.secrets.state_test

import data.lib.fixture_test as fixture
import data.plan.secrets.state as rule

planned(type, after, after_unknown) := fixture.document([fixture.resource(type, after, after_unknown)])

test_allow_what_holds_no_secret if {
	count(rule.deny) == 0 with input as planned("aws_acm_certificate", {"domain_name": "x", "private_key": null}, {})
	count(rule.deny) == 0 with input as planned("aws_ssm_parameter", {"type": "String", "value": "public"}, {})
	count(rule.deny) == 0 with input as planned("aws_secretsmanager_secret", {"name": "x"}, {})
}

test_allow_secure_string_that_is_only_written if {
	made := planned("aws_ssm_parameter", {"type": "SecureString", "value_wo_version": 1}, {})
	count(rule.deny) == 0 with input as made
}

test_deny_each_holder if {
	every type, attribute in rule.holders {
		made := planned(type, {attribute: "secret"}, {})
		fixture.messages(rule.deny) == {sprintf("%s is kept in state", [attribute])} with input as made
		unknown := planned(type, {}, {attribute: true})
		fixture.messages(rule.deny) == {sprintf("%s is kept in state", [attribute])} with input as unknown
	}
}

test_deny_secure_string if {
	count(rule.deny) == 1 with input as planned("aws_ssm_parameter", {"type": "SecureString", "value": "secret"}, {})
	count(rule.deny) == 1 with input as planned("aws_ssm_parameter", {"type": "SecureString"}, {"value": true})
}

test_undecided_unknown_type if {
	every after_unknown in [{"type": true}, true] {
		count(rule.undecided) == 1 with input as planned("aws_ssm_parameter", {}, after_unknown)
		count(rule.deny) == 0 with input as planned("aws_ssm_parameter", {}, after_unknown)
	}
}
