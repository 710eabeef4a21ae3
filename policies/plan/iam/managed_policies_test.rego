package plan.iam.managed_policies_test

import data.lib.fixture_test as fixture
import data.plan.iam.managed_policies as rule

attachment(after, after_unknown) := fixture.document([fixture.resource(
	"aws_iam_role_policy_attachment", after,
	after_unknown,
)])

administrator := "arn:aws:iam::aws:policy/AdministratorAccess"

configuration(references, repeated) := fixture.configuration([{
	"address": "aws_iam_role_policy_attachment.this",
	"expressions": {"policy_arn": {"references": references}},
	"for_each_expression": {"references": repeated},
}])

test_allow_own_policy if {
	plan := attachment({"policy_arn": "arn:aws:iam::222222222222:policy/example-read"}, {})
	count(rule.deny) == 0 with input as plan
	count(rule.undecided) == 0 with input as plan
}

test_allow_new_policy_of_the_module if {
	plan := attachment({}, {"policy_arn": true})
	every made in [
		configuration(["aws_iam_policy.read.arn", "aws_iam_policy.read"], []),
		configuration(["each.value"], ["aws_iam_policy.read.arn", "aws_iam_policy.read"]),
	] {
		count(rule.undecided) == 0 with input as object.union(plan, made)
	}
}

test_deny_policy_of_aws if {
	planned := attachment({"policy_arn": administrator}, {})
	fixture.messages(rule.deny) == {sprintf("%s is a policy of AWS", [administrator])} with input as planned
}

test_deny_policy_of_aws_in_the_role if {
	plan := fixture.document([fixture.resource("aws_iam_role", {"managed_policy_arns": [administrator]}, {})])
	count(rule.deny) == 1 with input as plan
}

test_undecided_unknown_policy if {
	count(rule.undecided) == 1 with input as attachment({}, {"policy_arn": true})
	count(rule.undecided) == 1 with input as attachment({}, true)
	count(rule.undecided) == 1 with input as object.union(
		attachment({}, {"policy_arn": true}),
		configuration(["each.value"], ["var.policies"]),
	)
}

test_undecided_unknown_list_in_the_role if {
	role := fixture.document([fixture.resource("aws_iam_role", {}, {"managed_policy_arns": true})])
	count(rule.undecided) == 0 with input as role
	configured := fixture.configuration([{
		"address": "aws_iam_role.this",
		"expressions": {"managed_policy_arns": {"references": ["var.arns"]}},
	}])
	count(rule.undecided) == 1 with input as object.union(role, configured)
}
