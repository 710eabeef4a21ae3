"""What a pull request may be beside good or bad: about nothing, too large to show, or secret."""

from pathlib import Path

import pytest

from tests.pipeline.github_server import LIMIT, running
from tests.pullrequests.cases import Case, bad, statuses
from tests.pullrequests.changes import Change, append, replace
from tests.pullrequests.conftest import Begun
from tests.pullrequests.world import World

pytestmark = pytest.mark.platform

API = "live/non-prod/eu-west-1/dev/http-api-mtls/terragrunt.hcl"
SECRET = "correct-horse-battery-staple"
PULL_REQUEST = 7


def test_a_change_that_affects_no_unit_plans_none(world: World, nothing_applied: None) -> None:
    with world.pull_request(Change("Say more", (append("README.md", "\nMore.\n"),))):
        answer = world.plan().passed()
    assert answer.json["sets"] == []
    assert "no unit is affected" in answer.stderr


def test_a_clone_without_the_base_says_so_and_plans_nothing(
    world: World, nothing_applied: None, tmp_path: Path
) -> None:
    with world.pull_request(Change("Say more", (append(API, "\n"),))):
        world.git("push", "--quiet", "origin", "change")
        shallow = world.second_clone(tmp_path, "--depth", "1", "--branch", "change")
        world.git("push", "--quiet", "--delete", "origin", "change")
    answer = shallow.plan(base=world.git("rev-parse", "main"))
    assert answer.exit_code != 0, str(answer)
    assert "fetch" in answer.stderr
    assert not shallow.plans("dev").exists()


def test_a_plan_too_large_for_a_comment_still_shows_findings_and_digest(
    world: World, begun: Begun, nothing_applied: None, tmp_path: Path
) -> None:
    routes = """\
  routes = merge({
    for number in range(300) : "GET /further-path-number-${number}" => {
      function_name = "${include.root.locals.name_prefix}-whoami"
      invoke_arn    = "${local.invoke_arn}:${include.root.locals.name_prefix}-whoami/invocations"
      authorization = number == 0 ? "none" : "authorizer"
    }
    }, {
    "GET /whoami\""""
    case = bad(
        "Open many routes",
        "APIGW-005",
        replace(API, '  routes = {\n    "GET /whoami"', routes),
        replace(API, "    }\n  }\n\n  throttling", "    }\n  })\n\n  throttling"),
    )
    body = commented(world, case, tmp_path)
    assert (tmp_path / "summary.json").stat().st_size > LIMIT
    assert len(body) < LIMIT
    assert "All of it: the summary of" in body
    assert case.rule.replace("-", r"\-") in body  # as Markdown wants it
    assert world.digest("dev") in body


def test_no_secret_is_in_what_a_pull_request_shows(
    world: World, begun: Begun, nothing_applied: None, tmp_path: Path
) -> None:
    secret = f"""
resource "aws_ssm_parameter" "secret" {{
  #checkov:skip=CKV_AWS_337: the key that AWS manages for the account will do
  name  = "/example/dev/secret"
  type  = "SecureString"
  value = "{SECRET}"
}}
"""
    body = commented(
        world, bad("Keep a secret", "", append("modules/function/main.tf", secret)), tmp_path
    )
    assert "aws_ssm_parameter.secret" in body
    assert SECRET not in body
    logs = (world.clone / "build" / "pipeline" / "logs").glob("*")
    assert all(SECRET not in log.read_text("utf-8", errors="replace") for log in logs)


def commented(world: World, case: Case, folder: Path) -> str:
    """The comment that the change gets; what is secret is in nothing else that is printed."""
    summary = folder / "summary.json"
    with world.pull_request(case.change) as head:
        answer = world.plan("--summary", str(summary))
        assert statuses(answer), str(answer)
        assert SECRET not in answer.text
        assert SECRET not in summary.read_text("utf-8")
        with running() as github:
            github.heads[PULL_REQUEST] = head
            world.pipeline(
                *("comment", "--summary", str(summary)),
                *("--pull-request", str(PULL_REQUEST), "--commit", head),
                environ=github.environ,
            ).passed()
            (comment,) = github.comments.values()
    if case.rule:
        case.assert_refused(answer)
    return str(comment["body"])


def test_a_plan_that_the_rules_refuse_is_not_applied_even_when_it_was_approved(
    world: World, begun: Begun, nothing_applied: None
) -> None:
    change = Change(
        "Open a route",
        (replace(API, 'authorization = "authorizer"', 'authorization = "none"'),),
    )
    with world.pull_request(change):
        assert world.plan().exit_code == 1
        world.approve("dev").passed()
        answer = world.apply("dev")
    assert answer.exit_code == 1, str(answer)
    assert "APIGW-005" in answer.stderr
