"""Every workflow: thin, with few permissions, pinned, and trusted by the accounts as it is."""

import os
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from pipeline.accounts import Facts
from pipeline.commands.approval import environment_of
from pipeline.tree import Layout, is_administrators
from tools.paths import ROOT

FOLDER = ROOT / ".github" / "workflows"
PATHS = sorted(FOLDER.glob("*.y*ml"))
TEXTS = {path.name: path.read_text() for path in PATHS}
WORKFLOWS: dict[str, dict[Any, Any]] = {name: yaml.safe_load(text) for name, text in TEXTS.items()}
JOBS = [(name, job, body) for name, flow in WORKFLOWS.items() for job, body in flow["jobs"].items()]
STEPS = [(name, job, step) for name, job, body in JOBS for step in body.get("steps", ()) if step]
RUNS = [(name, job, step) for name, job, step in STEPS if "run" in step]
USES = re.compile(r"^\s*(?:- )?uses: (\S+)(.*)$", re.MULTILINE)

INFRASTRUCTURE = "api-infrastructure.yml"
APPLIES = {
    job: body for job, body in WORKFLOWS[INFRASTRUCTURE]["jobs"].items() if job.startswith("apply-")
}
NOT_A_FORK = "github.event.pull_request.head.repo.full_name == github.repository"

WRITES = {
    ("api-infrastructure.yml", "gate"): {"security-events"},
    ("api-infrastructure.yml", "superseded"): {"pull-requests"},
    ("api-infrastructure.yml", "plan"): {"id-token"},
    ("api-infrastructure.yml", "comment"): {"pull-requests"},
    **{("api-infrastructure.yml", job): {"id-token"} for job in APPLIES},
    ("ca-operations.yml", "plan"): {"id-token"},
    ("ca-operations.yml", "execute"): {"id-token"},
    ("drift.yml", "drift"): {"id-token"},
    ("drift.yml", "issues"): {"issues"},
    ("release-modules.yml", "tags"): {"contents"},
    ("release-modules.yml", "propose"): {"contents", "pull-requests"},
}
"""What a job may write; every other job reads."""


def triggers(name: str) -> dict[str, Any]:
    found = WORKFLOWS[name][True]  # YAML 1.1 reads `on` as true
    return found if isinstance(found, dict) else {found: None}


def permissions(name: str, body: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = body.get("permissions", WORKFLOWS[name]["permissions"])
    return found


def environ_of(name: str, job: str, step: dict[str, Any]) -> dict[str, str]:
    """A step's variables, each expression as one word."""
    body = WORKFLOWS[name]["jobs"][job]
    layers = (WORKFLOWS[name].get("env"), body.get("env"), step.get("env"))
    return {
        key: re.sub(r"\$\{\{.*?\}\}", "x", str(value), flags=re.DOTALL)
        for layer in layers
        for key, value in (layer or {}).items()
    }


def test_there_is_a_workflow_for_each_thing() -> None:
    assert set(WORKFLOWS) == {
        "api-infrastructure.yml",
        "ca-operations.yml",
        "ci.yml",
        "drift.yml",
        "integration-tests.yml",
        "release-modules.yml",
    }


@pytest.mark.parametrize(
    ("name", "job", "step"), RUNS, ids=lambda value: value if isinstance(value, str) else "step"
)
def test_each_step_is_one_make_target_that_a_laptop_has_too(
    name: str, job: str, step: dict[str, Any]
) -> None:
    program, *arguments = step["run"].split()

    assert (program, len(arguments)) == ("make", 1)
    assert re.fullmatch(r"[a-z][a-z0-9-]*", arguments[0])
    done = subprocess.run(
        ["make", "--dry-run", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]} | environ_of(name, job, step),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize(("name", "text"), TEXTS.items())
def test_no_expression_reaches_a_shell(name: str, text: str) -> None:
    for _, _, step in RUNS:
        assert "${{" not in step["run"]
        assert set(step) <= {"id", "if", "run", "env", "name"}


@pytest.mark.parametrize(("name", "text"), TEXTS.items())
def test_actions_are_pinned_by_commit_with_the_version_beside_it(name: str, text: str) -> None:
    for action, rest in USES.findall(text):
        if action.startswith("./"):
            assert (ROOT / action).is_file()
            continue
        assert re.fullmatch(r"[\w.-]+(?:/[\w.-]+)+@[0-9a-f]{40}", action), action
        assert re.match(r" # v\d+\.\d+\.\d+$", rest), f"{action}{rest}"


def test_an_action_has_one_pin_everywhere() -> None:
    pins: dict[str, set[tuple[str, str]]] = {}
    for text in TEXTS.values():
        for action, rest in USES.findall(text):
            name, _, commit = action.partition("@")
            pins.setdefault(name, set()).add((commit, rest.strip()))

    assert [name for name, found in pins.items() if len(found) > 1] == []


@pytest.mark.parametrize(("name", "job", "body"), JOBS)
def test_a_job_reads_the_code_and_writes_only_what_is_listed(
    name: str, job: str, body: dict[str, Any]
) -> None:
    granted = permissions(name, body)

    assert granted["contents"] in ("read", "write")
    assert {key for key, value in granted.items() if value == "write"} == WRITES.get(
        (name, job), set()
    )


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_grants_no_more_than_reading_the_code(name: str) -> None:
    assert WORKFLOWS[name]["permissions"] in ({}, {"contents": "read"})


@pytest.mark.parametrize("name", WORKFLOWS)
def test_no_workflow_runs_a_forks_code_with_this_repositorys_token(name: str) -> None:
    assert not {"pull_request_target", "workflow_run", "issue_comment"} & set(triggers(name))
    assert "secrets." not in TEXTS[name]


@pytest.mark.parametrize(("name", "job", "body"), JOBS)
def test_a_pull_request_of_a_fork_gets_no_credentials(
    name: str, job: str, body: dict[str, Any]
) -> None:
    writes = WRITES.get((name, job), set()) & {"id-token", "pull-requests", "issues", "contents"}
    if "pull_request" not in triggers(name) or not writes:
        return
    condition = " ".join(str(body["if"]).split())
    assert NOT_A_FORK in condition or "github.ref == 'refs/heads/main'" in condition


@pytest.mark.parametrize(("name", "job", "step"), STEPS)
def test_no_checkout_leaves_its_token_behind(name: str, job: str, step: dict[str, Any]) -> None:
    if "actions/checkout@" in step.get("uses", ""):
        assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize(("name", "job", "body"), JOBS)
def test_a_job_runs_on_a_fixed_image_and_ends(name: str, job: str, body: dict[str, Any]) -> None:
    if "uses" not in body:
        assert body["runs-on"] == "ubuntu-24.04"
        assert body["timeout-minutes"] <= 120


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_run_of_main_is_never_broken_off(name: str) -> None:
    concurrency = WORKFLOWS[name]["concurrency"]

    assert concurrency["cancel-in-progress"] in (
        False,
        "${{ github.event_name == 'pull_request' }}",
    ) or (concurrency["cancel-in-progress"] is True and "github.sha" in concurrency["group"])


# What is applied, and who is trusted.


def scopes() -> Iterator[str]:
    """What the pipeline applies anything of, in the order of application."""
    layout, facts = Layout.here(ROOT), Facts.load(ROOT)
    for scope in layout.scopes(tuple(facts.accounts)):
        if not all(is_administrators(unit) for unit in layout.within(scope)):
            yield scope.name


def test_each_scope_is_applied_by_a_job_in_the_order_of_promotion() -> None:
    assert [body["env"]["ENV"] for body in APPLIES.values()] == list(scopes())


def test_a_person_can_start_each_scope_by_hand() -> None:
    inputs = triggers(INFRASTRUCTURE)["workflow_dispatch"]["inputs"]

    assert sorted(inputs["environment"]["options"]) == sorted(scopes())


@pytest.mark.parametrize("job", APPLIES)
def test_an_apply_waits_for_reviewers_and_for_all_that_comes_before(job: str) -> None:
    body = APPLIES[job]
    jobs = list(WORKFLOWS[INFRASTRUCTURE]["jobs"])
    before = [
        name for name in jobs[: jobs.index(job)] if name.startswith(("apply-", "smoke-", "plan"))
    ]

    assert body["environment"] == environment_of(body["env"]["ENV"])
    assert sorted(body["needs"]) == sorted(before)
    condition = " ".join(body["if"].split())
    assert "!contains(needs.*.result, 'failure')" in condition
    assert "github.ref == 'refs/heads/main' && github.event_name != 'pull_request'" in condition
    assert f"'{body['env']['ENV']}')" in condition


@pytest.mark.parametrize("job", APPLIES)
def test_one_apply_of_an_environment_at_a_time_and_none_is_broken_off(job: str) -> None:
    body = APPLIES[job]

    assert body["concurrency"] == {
        "group": f"apply-{body['environment']}",
        "cancel-in-progress": False,
    }


@pytest.mark.parametrize("job", APPLIES)
def test_an_apply_reads_the_approval_first(job: str) -> None:
    assert [step["run"] for step in APPLIES[job]["steps"] if "run" in step] == [
        "make approval",
        "make tools",
        "make apply",
    ]


def test_the_apply_roles_trust_this_workflow_and_these_environments() -> None:
    variables = (ROOT / "modules" / "deploy-roles" / "variables.tf").read_text()
    block = variables.partition('variable "apply_workflow"')[2].partition("\n}\n")[0]
    assert f'default     = ".github/workflows/{INFRASTRUCTURE}"' in block

    layout, facts = Layout.here(ROOT), Facts.load(ROOT)
    for account in facts.accounts:
        # The account's own, and one for each environment that it holds: live/ finds them alike.
        environments = {
            environment_of(scope.name)
            for scope in layout.scopes()
            if scope.account == account and scope.name in set(scopes())
        }
        used = {
            body["environment"]
            for body in APPLIES.values()
            if layout.scope(body["env"]["ENV"]).account == account
        }
        assert used == environments
        assert used <= trusted(account, layout)


def trusted(account: str, layout: Layout) -> set[str]:
    """The environments that the unit `deploy-roles` of an account names."""
    (unit,) = (ROOT / "live" / account).glob("*/account/deploy-roles/terragrunt.hcl")
    assert "github_environments" in unit.read_text()
    return {account} | {
        scope.name for scope in layout.scopes() if scope.account == account and scope.is_environment
    }


def test_an_allowed_destruction_is_asked_for_by_label_or_by_hand() -> None:
    (plan,) = [step for _, job, step in RUNS if job == "plan" and step["run"] == "make plan"]

    assert plan["env"]["ALLOW_DESTROY"] == (
        "${{ (inputs.destroy || contains(github.event.pull_request.labels.*.name, "
        "'allow-destroy')) && '1' || '' }}"
    )


def test_plans_are_kept_in_the_bucket_and_no_artifact_holds_one() -> None:
    kept = [
        line.split(" #")[0].strip()
        for name, _, step in STEPS
        if "upload-artifact@" in step.get("uses", "") and name != "ca-operations.yml"
        for line in step["with"]["path"].splitlines()
    ]

    assert sorted(kept) == ["build/drift.json", "build/plans/*/plan-set.json", "build/report.json"]
    (plan,) = [step for _, job, step in RUNS if job == "plan" and step["run"] == "make plan"]
    assert "github.ref == 'refs/heads/main'" in plan["env"]["UPLOAD"]


def test_the_whole_history_is_there_where_a_change_or_a_release_is_looked_at() -> None:
    for _name, job, body in JOBS:
        runs = {step.get("run") for step in body.get("steps", ())}
        if runs & {
            "make plan",
            "make apply",
            "make gate",
            "make drift-report",
            "make release-tags",
        }:
            (checkout,) = [s for s in body["steps"] if "actions/checkout@" in s.get("uses", "")]
            assert checkout["with"]["fetch-depth"] == 0, job
