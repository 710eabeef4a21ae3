package plan.cloudformation.contents_test

import data.lib.fixture_test as fixture
import data.plan.cloudformation.contents as rule

template(type) := json.marshal({"Resources": {"Thing": {"Type": type}}})

stack(after, after_unknown) := fixture.document([fixture.resource("aws_cloudformation_stack", after, after_unknown)])

test_allow_app_clients if {
	every type in rule.allowed {
		plan := stack({"template_body": template(type), "capabilities": null, "iam_role_arn": null}, {"outputs": true})
		count(rule.deny) == 0 with input as plan
		count(rule.undecided) == 0 with input as plan
		count(rule.warn) == 0 with input as plan
	}
}

test_deny_anything_else if {
	plan := stack({"template_body": template("AWS::IAM::Role")}, {})
	fixture.messages(rule.deny) == {"the stack makes AWS::IAM::Role"} with input as plan
}

test_deny_what_cannot_be_read if {
	every body in ["Resources: {}", "{}", null] {
		planned := stack({"template_body": body}, {})
		fixture.messages(rule.deny) == {"the template is not written as JSON in the plan"} with input as planned
	}
}

test_deny_capabilities_and_role if {
	every name, setting in {"capabilities": ["CAPABILITY_IAM"], "iam_role_arn": "arn:aws:iam::222222222222:role/x"} {
		plan := stack({"template_body": template("AWS::SecretsManager::Secret"), name: setting}, {})
		fixture.messages(rule.deny) == {sprintf("%s is set", [name])} with input as plan
	}
}

test_warn_of_unknown_template if {
	plan := fixture.unknown_policy("aws_cloudformation_stack", "template_body")
	fixture.messages(rule.warn) == {"the template is unknown, and makes no IAM"} with input as plan
	count(rule.undecided) == 0 with input as plan
	count(rule.deny) == 0 with input as plan
}

test_undecided_template_elsewhere if {
	plan := stack({"template_url": "https://example.com"}, {"template_body": true})
	fixture.messages(rule.undecided) == {"the template is not in the plan"} with input as plan
}

test_undecided_unknown_settings if {
	every name in ["capabilities", "iam_role_arn"] {
		plan := stack({"template_body": template("AWS::SecretsManager::Secret")}, {name: true})
		fixture.messages(rule.undecided) == {sprintf("%s is unknown", [name])} with input as plan
		count(rule.deny) == 0 with input as plan
	}
}
