"""The workflow of the certificate authority's ceremonies: who may run it, and what it runs."""

import re
from typing import Any

import pytest
import yaml

from pki.ceremony.plan import Operation
from tools.paths import ROOT

PATH = ROOT / ".github" / "workflows" / "ca-operations.yml"
WORKFLOW: dict[Any, Any] = yaml.safe_load(PATH.read_text())
JOBS: dict[str, Any] = WORKFLOW["jobs"]
STEPS = [(name, step) for name, job in JOBS.items() for step in job["steps"]]
RUNS = [(name, step["run"]) for name, step in STEPS if "run" in step]
USES = [step["uses"] for _, step in STEPS if "uses" in step]

_TARGET = re.compile(r"^([a-z][a-z0-9-]*(?: [a-z][a-z0-9-]*)*):(?!=)", re.MULTILINE)


def make_targets() -> set[str]:
    files = [ROOT / "Makefile", *(ROOT / "makefiles").glob("*.mk")]
    return {
        target
        for file in files
        for names in _TARGET.findall(file.read_text())
        for target in names.split()
    }


def test_a_person_starts_it_and_nothing_else() -> None:
    assert set(WORKFLOW[True]) == {"workflow_dispatch"}  # YAML 1.1 reads `on` as true


def test_it_offers_the_operations_that_there_are() -> None:
    operation = WORKFLOW[True]["workflow_dispatch"]["inputs"]["operation"]

    assert operation["type"] == "choice"
    assert operation["options"] == list(Operation)


def test_one_ceremony_is_held_at_a_time_and_none_is_broken_off() -> None:
    assert WORKFLOW["concurrency"] == {"group": "ca-operations", "cancel-in-progress": False}


def test_no_job_has_more_permissions_than_it_needs() -> None:
    assert WORKFLOW["permissions"] == {}
    assert {name: job["permissions"] for name, job in JOBS.items()} == {
        "plan": {"contents": "read", "id-token": "write"},
        "execute": {"actions": "read", "contents": "read", "id-token": "write"},
    }


def test_plan_and_execution_are_two_jobs_and_reviewers_let_each_begin() -> None:
    assert {name: job["environment"] for name, job in JOBS.items()} == {
        "plan": "security",
        "execute": "security",
    }
    assert JOBS["execute"]["needs"] == "plan"


def test_the_ceremony_role_trusts_this_file_and_this_environment() -> None:
    variables = (ROOT / "modules" / "deploy-roles" / "variables.tf").read_text()

    assert f'"{PATH.relative_to(ROOT)}"' in variables
    assert 'github_environment     = optional(string, "security")' in variables


@pytest.mark.parametrize(("job", "command"), RUNS)
def test_each_step_is_a_make_target_that_a_laptop_has_too(job: str, command: str) -> None:
    program, *targets = command.split()

    assert program == "make"
    assert len(targets) == 1
    assert set(targets) <= make_targets()


def test_the_plan_is_approved_before_it_is_executed() -> None:
    assert RUNS == [
        ("plan", "make ceremony-plan"),
        ("execute", "make ceremony-approve"),
        ("execute", "make ceremony-execute"),
    ]


@pytest.mark.parametrize("action", USES)
def test_actions_are_pinned_by_commit(action: str) -> None:
    assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", action)


def test_no_checkout_leaves_its_token_behind() -> None:
    checkouts = [step for _, step in STEPS if "actions/checkout@" in step.get("uses", "")]

    assert [step["with"]["persist-credentials"] for step in checkouts] == [False] * len(JOBS)


def test_what_a_person_types_reaches_no_shell_as_text() -> None:
    assert not [command for _, command in RUNS if "${{" in command]


def test_no_secret_is_handed_to_it() -> None:
    assert "secrets." not in PATH.read_text()


def test_what_it_keeps_is_the_plan_the_approval_and_the_transcript() -> None:
    kept = [step["with"]["path"].split() for _, step in STEPS if "upload" in step.get("uses", "")]

    assert kept == [["ceremony/plan.json"], ["ceremony/approval.json", "ceremony/transcripts"]]
