"""From a plan to what is applied: exactly what somebody else approved, or nothing."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.pullrequests.cases import statuses
from tests.pullrequests.changes import Change, append, replace
from tests.pullrequests.conftest import Begun
from tests.pullrequests.world import World

pytestmark = pytest.mark.platform

UNIT = "non-prod/eu-west-1/dev/whoami"
TRUSTSTORE = "non-prod/eu-west-1/dev/truststore"
FILE = f"live/{UNIT}/terragrunt.hcl"
FUNCTION = "example-dev-whoami"


def log_level(old: str, new: str) -> Change:
    """The smallest change that AWS notices."""
    setting = "LOG_LEVEL                    ="
    return Change(f"Log at {new}", (replace(FILE, f'{setting} "{old}"', f'{setting} "{new}"'),))


# --- The first pull request ---------------------------------------------------------------------


def test_a_pull_request_shows_what_will_happen_to_each_unit(begun: Begun) -> None:
    assert statuses(begun.plan) == {
        "non-prod/eu-west-1/account/dns-zone": "changed",
        "non-prod/eu-west-1/dev/acm-domain": "waiting",
        "non-prod/eu-west-1/dev/truststore": "changed",
        "non-prod/eu-west-1/dev/whoami": "changed",
        "prod/eu-west-1/prod/whoami": "changed",
    }


def test_what_depends_on_unapplied_units_waits_for_them_and_is_not_planned_on_mocks(
    begun: Begun,
) -> None:
    (unit,) = (
        unit
        for entry in begun.plan.json["sets"]
        for unit in entry["set"]["units"]
        if unit["status"] == "waiting"
    )
    assert unit["waits_for"] == [
        "non-prod/eu-west-1/account/dns-zone",
        "non-prod/eu-west-1/dev/truststore",
    ]
    assert unit["plan_sha256"] is None


def test_scopes_are_applied_in_the_order_of_promotion(begun: Begun) -> None:
    assert list(begun.applies) == ["non-prod/account", "dev", "prod"]


def test_what_was_approved_is_there_afterwards(world: World, begun: Begun) -> None:
    applied = set(world.states()) - set(begun.before)
    assert applied == {
        f"s3://example-tfstate-222222222222/{unit}/terraform.tfstate"
        for unit in ("non-prod/eu-west-1/account/dns-zone", TRUSTSTORE, UNIT)
    } | {"s3://example-tfstate-333333333333/prod/eu-west-1/prod/whoami/terraform.tfstate"}
    assert configuration(world)["Environment"]["Variables"]["LOG_LEVEL"] == "INFO"


def test_what_waited_is_planned_once_what_it_waits_for_is_applied(
    world: World, begun: Begun
) -> None:
    unit = "non-prod/eu-west-1/dev/acm-domain"
    with world.pull_request(Change("Look again", (append(f"live/{unit}/terragrunt.hcl", "\n"),))):
        answer = world.plan().passed()
    assert statuses(answer) == {unit: "changed"}


# --- A change, from review to apply -------------------------------------------------------------


@dataclass(frozen=True)
class Reviewed:
    """A change on `main`, planned and approved, and not applied yet.

    Attributes:
        plans: its plan set.
        approval: who agreed to it.
    """

    plans: Path
    approval: Path


@pytest.fixture(scope="module")
def reviewed(world: World, begun: Begun) -> Reviewed:
    world.merge(log_level("INFO", "DEBUG"))
    world.plan(base="HEAD~1").passed()
    world.approve("dev").passed()
    return Reviewed(world.plans("dev"), world.approval("dev"))


@pytest.fixture
def copied(reviewed: Reviewed, tmp_path: Path) -> Reviewed:
    """The same for somebody who tampers with it."""
    plans = Path(shutil.copytree(reviewed.plans, tmp_path / "plans"))
    approval = Path(shutil.copy(reviewed.approval, tmp_path / "approval.json"))
    return Reviewed(plans, approval)


def apply(world: World, given: Reviewed) -> str:
    """What an apply says that must be refused."""
    answer = world.pipeline(
        *("apply", "--environment", "dev"),
        *("--plans", str(given.plans), "--approval", str(given.approval)),
    )
    assert answer.exit_code == 1, str(answer)
    return answer.stderr


def test_nothing_is_applied_without_an_approval(
    world: World, reviewed: Reviewed, nothing_applied: None
) -> None:
    answer = world.pipeline("apply", "--environment", "dev")
    assert answer.exit_code == 1, str(answer)
    assert "without an approval" in answer.stderr


def test_nobody_approves_their_own_change(
    world: World, reviewed: Reviewed, nothing_applied: None
) -> None:
    before = reviewed.approval.read_bytes()
    answer = world.approve("dev", by="Ada")
    assert answer.exit_code == 1, str(answer)
    assert "Ada asked for the change and may not approve it" in answer.stderr
    assert reviewed.approval.read_bytes() == before


def test_an_approval_names_the_digest_of_what_was_reviewed(
    world: World, reviewed: Reviewed
) -> None:
    answer = world.approve("dev", digest=f"sha256:{'0' * 64}")
    assert answer.exit_code == 1, str(answer)
    assert "not sha256:000" in answer.stderr


def test_an_approval_of_other_plans_is_refused(
    world: World, copied: Reviewed, nothing_applied: None
) -> None:
    approval = json.loads(copied.approval.read_bytes())
    copied.approval.write_text(json.dumps(approval | {"digest": f"sha256:{'0' * 64}"}))
    assert "is not what was reviewed" in apply(world, copied)


def test_an_approval_for_another_scope_is_refused(
    world: World, copied: Reviewed, nothing_applied: None
) -> None:
    approval = json.loads(copied.approval.read_bytes())
    copied.approval.write_text(json.dumps(approval | {"scope": "prod"}))
    assert "the approval is for prod" in apply(world, copied)


def test_an_approval_in_the_requesters_name_is_refused(
    world: World, copied: Reviewed, nothing_applied: None
) -> None:
    approval = json.loads(copied.approval.read_bytes())
    copied.approval.write_text(json.dumps(approval | {"approver": "ada"}))
    assert "asked for the change and may not approve it" in apply(world, copied)


def test_a_plan_that_was_tampered_with_is_refused(
    world: World, copied: Reviewed, nothing_applied: None
) -> None:
    plan = copied.plans / UNIT / "tfplan.json"
    plan.write_text(plan.read_text().replace("DEBUG", "TRACE"))
    assert "is not what was reviewed" in apply(world, copied)


def test_a_plan_set_that_was_tampered_with_is_refused(
    world: World, copied: Reviewed, nothing_applied: None
) -> None:
    plan_set = copied.plans / "plan-set.json"
    plan_set.write_text(plan_set.read_text().replace('"change":1', '"change":0'))
    assert "is not what was reviewed" in apply(world, copied)


def test_a_plan_that_is_gone_is_refused(
    world: World, copied: Reviewed, nothing_applied: None
) -> None:
    (copied.plans / UNIT / "tfplan.json").unlink()
    assert "is gone" in apply(world, copied)


@pytest.fixture
def moved(world: World, reviewed: Reviewed) -> Iterator[None]:
    """Somebody else's change came to `main` after the review."""
    before = world.git("rev-parse", "main")
    world.merge(Change("Say more", (append("live/README.md", "\nMore.\n"),)))
    yield
    world.git("reset", "--quiet", "--hard", before)
    world.git("push", "--quiet", "--force", "origin", "main")


def test_plans_are_stale_once_main_has_moved(
    world: World, reviewed: Reviewed, moved: None, nothing_applied: None
) -> None:
    assert "the plans are stale" in apply(world, reviewed)


def test_a_checkout_with_changes_of_its_own_is_not_what_was_reviewed(
    world: World, reviewed: Reviewed, nothing_applied: None
) -> None:
    change = log_level("DEBUG", "TRACE")
    change.apply(world.clone)
    try:
        assert "the plans are stale" in apply(world, reviewed)
    finally:
        world.git("checkout", "--quiet", "--", ".")


@pytest.fixture
def touched(world: World, reviewed: Reviewed) -> Iterator[None]:
    """Somebody changed the function by hand after the review."""
    client = world.cloud.client("lambda", "222222222222")
    size = configuration(world)["MemorySize"]
    client.update_function_configuration(FunctionName=FUNCTION, MemorySize=size * 2)
    yield
    client.update_function_configuration(FunctionName=FUNCTION, MemorySize=size)


def test_a_plan_is_not_applied_once_reality_has_moved(
    world: World, reviewed: Reviewed, touched: None, nothing_applied: None
) -> None:
    said = apply(world, reviewed)
    assert "the plan is not the one that was reviewed" in said
    assert "memory_size" in said


def test_what_was_stored_is_applied_from_the_bucket_as_it_was_reviewed_or_not_at_all(
    world: World, reviewed: Reviewed, nothing_applied: None
) -> None:
    world.plan("--upload", base="HEAD~1").passed()
    world.approve("dev").passed()
    bucket = world.cloud.client("s3", "222222222222")
    key = f"plans/{world.digest('dev').removeprefix('sha256:')}/{UNIT}/tfplan.json"
    stored = bucket.get_object(Bucket="example-plans-222222222222", Key=key)["Body"].read()
    bucket.put_object(
        Bucket="example-plans-222222222222", Key=key, Body=stored.replace(b"DEBUG", b"TRACE")
    )
    answer = world.pipeline(
        *("apply", "--environment", "dev", "--approval", str(reviewed.approval))
    )
    assert answer.exit_code == 1, str(answer)
    assert "is not what was reviewed" in answer.stderr


def test_what_was_reviewed_is_applied_and_the_next_plan_is_empty(
    world: World, reviewed: Reviewed
) -> None:
    answer = world.apply("dev").passed()
    assert answer.stdout.split() == ["applied", UNIT]
    assert configuration(world)["Environment"]["Variables"]["LOG_LEVEL"] == "DEBUG"
    assert statuses(world.plan(base="HEAD~1").passed()) == {UNIT: "unchanged"}


def test_an_approval_cannot_be_used_twice(world: World, reviewed: Reviewed) -> None:
    answer = world.apply("dev")
    assert "applied" not in answer.stdout


def configuration(world: World) -> dict[str, Any]:
    client = world.cloud.client("lambda", "222222222222")
    found: dict[str, Any] = client.get_function_configuration(FunctionName=FUNCTION)
    return found
