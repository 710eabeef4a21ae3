"""Applying exactly what was approved, with a Terragrunt that plans what it is told to."""

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pipeline import semantics, store
from pipeline.applying import Applier, require_applicable, to_apply
from pipeline.errors import CommandFailedError, LockedError, RefusedError, TamperedError
from pipeline.model import (
    Counts,
    Finding,
    FindingKind,
    PlannedUnit,
    PlanSet,
    Severity,
    Source,
    UnitStatus,
    digest_of,
)
from pipeline.planning import Units, write_private
from pipeline.store import StoredSet
from pipeline.tree import Layout
from tests.pipeline.plans import (
    DEV,
    FACTS,
    NO_CHANGE,
    FakeTerragrunt,
    Repository,
    change,
    failed,
    output,
    plan,
)

REGISTRY, AUTHORIZER, API = (f"{DEV}/{name}" for name in ("registry", "authorizer", "api"))
ORDER = {REGISTRY: (), AUTHORIZER: (REGISTRY,), API: (AUTHORIZER, "non-prod/eu-west-1/account/x")}
CHANGED = plan(change("aws_x.this", actions=["update"], before={"a": 1}, after={"a": 2}))
TWO = plan(
    change("aws_x.a", after={"n": 1}, unknown={"arn": True}),
    change("aws_x.b", after={"n": 2}, unknown={"of": True}),
    outputs={"arn": output(after_unknown=True)},
)
HALF = plan(
    change("aws_x.a", actions=["no-op"], before={"n": 1}, after={"n": 1}),
    change("aws_x.b", after={"n": 2, "of": "arn:a"}),
    outputs={"arn": output(after="arn:a")},
)
TREE = "a" * 40
DENIED = Finding(
    rule="API-001",
    kind=FindingKind.DENY,
    severity=Severity.HIGH,
    source=Source.OPA,
    title="t",
    unit=API,
    address="aws_x.this",
    message="no",
    remedy="",
    link="",
)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return Repository(tmp_path_factory.mktemp("repository"))


class World:
    """A set that was reviewed, and what happens when it is applied."""

    def __init__(self, repository: Repository, tmp_path: Path) -> None:
        self.folder = tmp_path / "set"
        self.work = tmp_path / "work"
        self.repository = repository
        self.terragrunt = FakeTerragrunt(repository.root, {}, tmp_path / "logs")
        self.findings: tuple[Finding, ...] = ()
        self.judged: list[dict[str, Any]] = []

    def review(self, plans: dict[str, Any], *, destroy: bool = False) -> StoredSet:
        units = []
        for path, document in sorted(plans.items()):
            content = json.dumps(document).encode()
            write_private(self.folder / path / "tfplan.json", content)
            write_private(self.folder / path / "tfplan", b"binary")
            form = semantics.form_of(document)
            status = UnitStatus.CHANGED if semantics.has_changes(form) else UnitStatus.UNCHANGED
            units.append(
                PlannedUnit(
                    path,
                    UnitStatus.REMOVED if destroy else status,
                    Counts.of(document),
                    digest_of(b"binary"),
                    digest_of(content),
                    semantics.digest(form),
                )
            )
        plan_set = PlanSet(
            repository="example-org/example",
            scope="dev",
            account="non-prod",
            environment="dev",
            base="",
            head="b" * 40,
            tree=TREE,
            destroy=destroy,
            units=tuple(units),
            created_at="2026-01-01T00:00:00Z",
        )
        write_private(self.folder / "plan-set.json", plan_set.to_bytes())
        self.terragrunt.plans = copy.deepcopy(plans)
        return store.open_folder(self.folder, plan_set.digest)

    def apply(self, stored: StoredSet) -> dict[str, str]:
        def judge(inputs: Any, _unit: str) -> tuple[Finding, ...]:
            self.judged += [json.loads(path.read_text()) for path in inputs.values()]
            return self.findings

        applier = Applier(
            terragrunt=self.terragrunt,
            units=Units(self.repository.root, FACTS, Layout.here(self.repository.root)),
            schema=None,
            judge=judge,
            work_folder=self.work,
            console=Console(quiet=True),
            at_once=2,
        )
        return {entry.path: entry.outcome for entry in applier.apply(stored, ORDER)}


@pytest.fixture
def world(repository: Repository, tmp_path: Path) -> World:
    return World(repository, tmp_path)


def test_pitfall_20_what_was_reviewed_is_planned_again_and_applied(world: World) -> None:
    """Pitfall 20: re-plan with the apply role, and apply the fresh plan only if it is the same."""
    stored = world.review({REGISTRY: CHANGED, AUTHORIZER: CHANGED, API: NO_CHANGE})

    assert world.apply(stored) == {REGISTRY: "applied", AUTHORIZER: "applied"}
    assert world.terragrunt.calls == [
        ("plan", REGISTRY, "apply"),
        ("apply", REGISTRY, "apply"),
        ("plan", AUTHORIZER, "apply"),
        ("apply", AUTHORIZER, "apply"),
    ]
    assert world.judged[0]["unit"]["mode"] == "apply"


def test_pitfall_20_another_plan_is_not_applied(world: World) -> None:
    """Pitfall 20: somebody changed something between review and apply."""
    stored = world.review({REGISTRY: CHANGED, AUTHORIZER: CHANGED})
    world.terragrunt.plans[REGISTRY] = plan(
        change("aws_x.this", actions=["update"], before={"a": 7}, after={"a": 2}),
        change("aws_x.other", actions=["delete"], before={}),
    )

    with pytest.raises(RefusedError) as caught:
        world.apply(stored)

    assert not world.terragrunt.applied
    assert "aws_x.other: only the fresh plan would delete it" in str(caught.value)
    assert "aws_x.this: what is there differs: a" in str(caught.value)
    assert "7" not in str(caught.value).replace(REGISTRY, "")


def test_a_rule_may_refuse_the_fresh_plan(world: World) -> None:
    stored = world.review({API: CHANGED})
    world.findings = (DENIED,)

    with pytest.raises(RefusedError, match=r"API-001 aws_x\.this: no"):
        world.apply(stored)
    assert not world.terragrunt.applied


def test_a_fresh_plan_for_another_account_is_not_applied(world: World) -> None:
    stored = world.review({API: CHANGED})
    world.terragrunt.plans[API] = CHANGED | {"configuration": {}}

    with pytest.raises(Exception, match="not bound to account"):
        world.apply(stored)
    assert not world.terragrunt.applied


def test_a_run_that_was_broken_off_is_completed(world: World) -> None:
    stored = world.review({REGISTRY: TWO, AUTHORIZER: CHANGED})

    def killed(_unit: str) -> None:
        raise failed(REGISTRY, "apply failed")

    world.terragrunt.on_apply = killed
    with pytest.raises(CommandFailedError) as caught:
        world.apply(stored)
    assert "the same approval completes it" in caught.value.hint.lower()

    world.terragrunt.on_apply = lambda unit: None
    world.terragrunt.plans[REGISTRY] = HALF
    assert world.apply(stored) == {REGISTRY: "completed", AUTHORIZER: "applied"}


def test_what_was_applied_before_the_run_ended_is_not_applied_again(world: World) -> None:
    stored = world.review({REGISTRY: TWO})
    stored.journal.write(REGISTRY, "started")
    world.terragrunt.plans[REGISTRY] = NO_CHANGE

    assert world.apply(stored) == {REGISTRY: "unchanged"}
    assert stored.journal.is_done(REGISTRY)


def test_half_a_plan_of_a_unit_that_was_never_begun_is_refused(world: World) -> None:
    stored = world.review({REGISTRY: TWO})
    world.terragrunt.plans[REGISTRY] = HALF

    with pytest.raises(RefusedError):
        world.apply(stored)
    assert not world.terragrunt.applied


def test_the_journal_of_another_set_begins_nothing(world: World) -> None:
    stored = world.review({REGISTRY: TWO})
    other = replace(stored.plan_set, created_at="2026-01-02T00:00:00Z")
    store.Journal(stored.objects, other.digest).write(REGISTRY, "started")
    world.terragrunt.plans[REGISTRY] = HALF

    with pytest.raises(RefusedError):
        world.apply(stored)


def test_what_is_left_may_hold_nothing_new(world: World) -> None:
    stored = world.review({REGISTRY: TWO})
    stored.journal.write(REGISTRY, "started")
    world.terragrunt.plans[REGISTRY] = plan(change("aws_x.c", after={}))

    with pytest.raises(RefusedError, match=r"aws_x\.c: was not in the reviewed plan"):
        world.apply(stored)


def test_a_failure_begins_nothing_that_depends_on_it(world: World) -> None:
    stored = world.review({REGISTRY: CHANGED, AUTHORIZER: CHANGED, API: CHANGED})
    world.terragrunt.plans[AUTHORIZER] = failed(AUTHORIZER)

    with pytest.raises(CommandFailedError):
        world.apply(stored)

    assert world.terragrunt.applied == [REGISTRY]


def test_a_lock_stays_a_lock(world: World) -> None:
    stored = world.review({REGISTRY: CHANGED})
    world.terragrunt.plans[REGISTRY] = LockedError("locked", hint="make unlock")

    with pytest.raises(LockedError) as caught:
        world.apply(stored)
    assert caught.value.hint == "make unlock"


def test_pitfall_17_fresh_plans_do_not_stay(world: World) -> None:
    """Pitfall 17: plan files hold secrets."""
    world.apply(world.review({REGISTRY: CHANGED}))

    assert not [path for path in world.work.rglob("*") if path.is_file()]


@pytest.mark.parametrize("name", ["tfplan.json", "plan-set.json"])
def test_pitfall_17_a_set_that_was_tampered_with_is_refused(world: World, name: str) -> None:
    """Pitfall 17: the stored plan has to have the digest that was approved."""
    stored = world.review({REGISTRY: CHANGED})
    path = world.folder / ("" if name == "plan-set.json" else REGISTRY) / name
    expected = digest_of(path.read_bytes())
    path.write_bytes(path.read_bytes().replace(b'"dev"', b'"prd"').replace(b"aws_x", b"aws_y"))

    with pytest.raises(TamperedError) as caught:
        world.apply(store.open_folder(world.folder, stored.plan_set.digest))

    found = digest_of(path.read_bytes())
    assert str(caught.value) == (
        f"{path} is not what was reviewed: expected {expected}, found {found}"
    )
    assert not world.terragrunt.calls


def test_meaning_and_plan_belong_together(world: World) -> None:
    stored = world.review({REGISTRY: CHANGED})
    unit = replace(stored.plan_set.units[0], semantics=digest_of(b"another meaning"))
    forged = replace(stored.plan_set, units=(unit,))

    with pytest.raises(TamperedError, match="means something else"):
        world.apply(replace(stored, plan_set=forged))
    assert not world.terragrunt.calls


def test_pitfall_6_stale_plans_are_refused(world: World) -> None:
    """Pitfall 6: what is applied must be what was planned, of the same tree."""
    plan_set = world.review({REGISTRY: CHANGED}).plan_set

    with pytest.raises(RefusedError, match="stale"):
        require_applicable(plan_set, repository="example-org/example", scope="dev", tree="c" * 40)


@pytest.mark.parametrize(
    ("repository_name", "scope"), [("example-org/example", "prod"), ("other/example", "dev")]
)
def test_plans_of_something_else_are_refused(
    world: World, repository_name: str, scope: str
) -> None:
    plan_set = world.review({REGISTRY: CHANGED}).plan_set

    with pytest.raises(RefusedError, match="the plans are of dev"):
        require_applicable(plan_set, repository=repository_name, scope=scope, tree=TREE)


def test_a_unit_of_another_scope_is_refused(world: World) -> None:
    plan_set = world.review({REGISTRY: CHANGED}).plan_set
    (unit,) = plan_set.units
    foreign = replace(unit, path="prod/eu-west-1/prod/registry")

    with pytest.raises(RefusedError, match="called those of dev, and are of prod/eu-west-1/prod"):
        require_applicable(
            replace(plan_set, units=(foreign,)),
            repository="example-org/example",
            scope="dev",
            tree=TREE,
        )


@pytest.mark.parametrize(
    ("status", "message"),
    [(UnitStatus.FAILED, "the plan failed of"), (UnitStatus.REMOVED, "nobody allowed to destroy")],
)
def test_sets_that_are_not_whole_are_refused(
    world: World, status: UnitStatus, message: str
) -> None:
    plan_set = world.review({REGISTRY: CHANGED}).plan_set
    broken = replace(plan_set, units=(PlannedUnit(REGISTRY, status),))

    with pytest.raises(RefusedError, match=message):
        require_applicable(broken, repository="example-org/example", scope="dev", tree=TREE)


def test_a_destruction_is_planned_as_one(world: World) -> None:
    gone = plan(change("aws_x.a", actions=["delete"], before={"a": 1}))

    world.apply(world.review({API: gone}, destroy=True))

    assert world.terragrunt.calls == [("plan", API, "apply", "-destroy"), ("apply", API, "apply")]


@pytest.mark.parametrize(
    "path",
    [
        "security/eu-west-1/ca/pki",
        "non-prod/eu-west-1/account/deploy-roles",
        "non-prod/eu-west-1/account/state-bucket",
        "non-prod/eu-west-1/account/plan-bucket",
    ],
)
def test_the_administrators_units_are_never_applied(world: World, path: str) -> None:
    plan_set = world.review({REGISTRY: CHANGED}).plan_set
    unit = replace(plan_set.units[0], path=path)

    assert to_apply(replace(plan_set, units=(unit,))) == ()
