package plan.iam.federation_test

import data.lib.fixture_test as fixture
import data.plan.iam.federation as rule

provider := "arn:aws:iam::222222222222:oidc-provider/token.actions.githubusercontent.com"

equals := {
	rule.claim("aud"): "sts.amazonaws.com",
	rule.claim("sub"): "repo:example-org/mtls:environment:dev",
	rule.claim("job_workflow_ref"): "example-org/mtls/.github/workflows/api-infrastructure.yml@refs/heads/main",
}

trust(name, principal, conditions) := fixture.document([fixture.resource(
	"aws_iam_role", {
		"name": name,
		"assume_role_policy": json.marshal({"Statement": [{
			"Sid": "GitHub",
			"Effect": "Allow",
			"Action": "sts:AssumeRoleWithWebIdentity",
			"Principal": {"Federated": principal},
			"Condition": conditions,
		}]}),
	},
	{},
)])

test_allow_the_workflow_at_main if {
	count(rule.deny) == 0 with input as trust("example-apply", provider, {"StringEquals": equals})
}

test_allow_every_job_to_plan if {
	plan := trust("example-plan", provider, {
		"StringEquals": {rule.claim("aud"): "sts.amazonaws.com"},
		"StringLike": {rule.claim("sub"): "repo:example-org@1/mtls@2:*"},
	})
	count(rule.deny) == 0 with input as plan
}

test_allow_other_principals if {
	plan := fixture.document([fixture.policy("aws_iam_role", "assume_role_policy", {
		"Effect": "Allow",
		"Action": "sts:AssumeRole",
		"Principal": {"Service": "lambda.amazonaws.com"},
	})])
	count(rule.deny) == 0 with input as plan
}

test_deny_without_conditions if {
	fixture.messages(rule.deny) == {
		"GitHub: aud is not compared",
		"GitHub: sub does not name one repository",
		"GitHub: sub does not name an environment",
		"GitHub: job_workflow_ref is not a file at main",
	} with input as trust("example-apply", provider, {})
}

test_deny_another_provider if {
	plan := trust("example-apply", "arn:aws:iam::222222222222:oidc-provider/gitlab.com", {"StringEquals": equals})
	fixture.messages(rule.deny) == {"GitHub: another identity provider than GitHub"} with input as plan
}

test_deny_every_repository if {
	every subject in ["*", "repo:*", "repo:example-org/*", "repo:*/mtls:ref:refs/heads/main"] {
		plan := trust("example-plan", provider, {
			"StringEquals": {rule.claim("aud"): "sts.amazonaws.com"},
			"StringLike": {rule.claim("sub"): subject},
		})
		fixture.messages(rule.deny) == {"GitHub: sub does not name one repository"} with input as plan
	}
}

test_deny_writing_from_any_environment if {
	every subject in ["repo:example-org/mtls:*", "repo:example-org/mtls:environment:*"] {
		conditions := {
			"StringEquals": object.remove(equals, [rule.claim("sub")]),
			"StringLike": {rule.claim("sub"): subject},
		}
		planned := trust("example-apply", provider, conditions)
		fixture.messages(rule.deny) == {"GitHub: sub does not name an environment"} with input as planned
	}
}

test_deny_writing_from_a_branch if {
	every workflow in [
		"example-org/mtls/.github/workflows/apply.yml@refs/heads/other",
		"example-org/mtls/.github/workflows/*@refs/heads/main",
	] {
		conditions := {"StringEquals": object.union(equals, {rule.claim("job_workflow_ref"): workflow})}
		planned := trust("example-apply", provider, conditions)
		fixture.messages(rule.deny) == {"GitHub: job_workflow_ref is not a file at main"} with input as planned
	}
}

test_undecided_is_said_by_known_policy if {
	count(rule.deny) == 0 with input as fixture.unknown_policy("aws_iam_role", "assume_role_policy")
}
