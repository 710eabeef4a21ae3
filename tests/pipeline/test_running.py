"""From a change to its report and to its apply: a real repository, a Terragrunt of ours."""

import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from rich.console import Console

from pipeline import store
from pipeline.accounts import Accounts, States
from pipeline.approval import Channel, approve
from pipeline.errors import RefusedError, UsageError
from pipeline.gates import Gates, StaticScope
from pipeline.model import Finding, FindingKind, Severity, Source, UnitStatus
from pipeline.running import Workshop, ask, digest_matches
from pipeline.tree import Layout, Unit
from tests.pipeline.plans import (
    ACCOUNT,
    DEV,
    FACTS,
    NO_CHANGE,
    PROD,
    FakeStates,
    FakeTerragrunt,
    Repository,
    change,
    failed,
    plan,
)

REGISTRY, AUTHORIZER, API = (f"{DEV}/{name}" for name in ("registry", "authorizer", "api"))
ZONE = f"{ACCOUNT}/dns-zone"
CHANGED = plan(change("aws_x.this", actions=["update"], before={"a": 1}, after={"a": 2}))
GONE = plan(change("aws_x.this", actions=["delete"], before={"a": 1}))


def finding(kind: FindingKind, unit: str = "") -> Finding:
    return Finding("X-001", kind, Severity.HIGH, Source.OPA, "t", unit, "a", "m", "r", "l")


@dataclass
class FakeGates:
    """Gates that find what they are told to, and remember what they were asked."""

    static_findings: tuple[Finding, ...] = ()
    plan_findings: tuple[Finding, ...] = ()
    asked: list[object] = field(default_factory=list)

    def static(self, scope: StaticScope) -> tuple[Finding, ...]:
        self.asked.append(scope)
        return self.static_findings

    def plans(self, inputs: Mapping[str, Path]) -> tuple[Finding, ...]:
        self.asked.append(dict(inputs))
        return tuple(found for found in self.plan_findings if found.unit in inputs)


class ReadStates(FakeStates):
    """States that also tell whether there is anything to destroy."""

    def is_empty(self, unit: str) -> bool:
        return unit not in self.applied


class OurWorkshop(Workshop):
    """Finds units without Terragrunt."""

    def find(self, folders: Iterable[str]) -> dict[str, Unit]:
        found: dict[str, Unit] = cast("Any", self.environ)["repository"].find(list(folders))
        return found


class World:
    """A repository after its first commit, with everything in it applied."""

    def __init__(self, template: Repository, tmp_path: Path) -> None:
        self.repository = template.copy(tmp_path / "repository")
        self.out = tmp_path / "plans"
        everything = Layout.here(self.repository.root).units
        self.terragrunt = FakeTerragrunt(
            self.repository.root, dict.fromkeys(everything, NO_CHANGE), tmp_path / "logs"
        )
        self.states = ReadStates(*everything)
        self.gates = FakeGates()
        self.said = Console(record=True, width=1000, file=io.StringIO())

    @property
    def workshop(self) -> Workshop:
        return OurWorkshop(
            root=self.repository.root,
            environ=cast("Any", {"repository": self.repository}),
            console=self.said,
            programs=self.terragrunt.programs,
            git=self.repository.own,
            facts=FACTS,
            layout=Layout.here(self.repository.root),
            accounts=cast("Accounts", None),
            terragrunt=self.terragrunt,
            gates=cast("Gates", self.gates),
            states=cast("States", self.states),
        )

    def plan(self, *, scope: str | None = None, base: bool = True, allow: bool = False) -> Any:
        return self.workshop.gate_and_plan(
            scope=scope,
            base=self.repository.first if base else None,
            out=self.out,
            allow_destroy=allow,
        )


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    made = Repository(tmp_path_factory.mktemp("template") / "repository")
    schema = Path(__file__).parents[2] / "policies" / "schemas" / "plan.json"
    made.write("policies/schemas/plan.json", schema.read_text())
    made.first = made.commit("policies")
    return made


@pytest.fixture
def world(template: Repository, tmp_path: Path) -> World:
    return World(template, tmp_path)


def test_a_change_is_planned_and_applied(world: World) -> None:
    world.repository.unit(REGISTRY, "registry", ())
    world.repository.write(f"live/{REGISTRY}/policy.json", "{}")
    world.repository.commit()
    world.terragrunt.plans[REGISTRY] = CHANGED

    report = world.plan()

    assert report.passed
    (plan_set,) = report.sets
    assert {unit.path: unit.status for unit in plan_set.units} == {
        REGISTRY: UnitStatus.CHANGED,
        AUTHORIZER: UnitStatus.UNCHANGED,
        API: UnitStatus.UNCHANGED,
    }
    stored = store.open_folder(world.out / "dev", plan_set.digest)
    assert [entry.outcome for entry in world.workshop.apply(stored, "dev")] == ["applied"]
    assert world.terragrunt.applied == [REGISTRY]


def test_pitfall_4_nothing_affected_is_said_and_runs_nothing(world: World) -> None:
    """Pitfall 4: an empty filter list runs all units; here it runs none, and exits 0."""
    world.repository.write("docs/page.md", "words")
    world.repository.commit()

    report = world.plan()

    assert report.passed
    assert not report.sets
    assert not world.terragrunt.calls
    assert "nothing to plan" in world.said.export_text()


def test_neither_scope_nor_base_is_no_way_to_say_everything(world: World) -> None:
    with pytest.raises(UsageError):
        world.plan(base=False)
    assert not world.terragrunt.calls


def test_pitfall_16_the_static_gates_come_before_any_code_of_the_change(world: World) -> None:
    """Pitfall 16: even reading the configuration runs code; the text is judged before that."""
    world.repository.write(f"live/{API}/terragrunt.hcl", 'locals { x = run_cmd("evil") }')
    world.repository.commit()
    world.gates.static_findings = (finding(FindingKind.DENY),)

    report = world.plan()

    assert not report.passed
    assert not report.sets
    assert not world.terragrunt.calls
    assert not getattr(world.repository, "asked", [])


def test_what_is_undecided_stops_production_alone(world: World) -> None:
    for folder in (DEV, PROD):
        world.repository.write(f"live/{folder}/env.hcl", "# another\n")
    world.repository.commit()
    world.terragrunt.plans[f"{PROD}/api"] = plan(account="333333333333")
    for name in ("registry", "authorizer"):
        world.terragrunt.plans[f"{PROD}/{name}"] = plan(account="333333333333")

    world.gates.plan_findings = (finding(FindingKind.UNDECIDED, API),)
    assert world.plan().passed

    world.gates.plan_findings = (finding(FindingKind.UNDECIDED, f"{PROD}/api"),)
    assert not world.plan().passed


def test_a_plan_that_failed_is_no_success(world: World) -> None:
    world.terragrunt.plans[API] = failed(API)

    report = world.plan(scope="dev", base=False)

    assert not report.passed
    assert "no such thing" in world.said.export_text()


def test_pitfall_5_removal_is_refused_and_shown(world: World) -> None:
    """Pitfall 5: treat a removed unit as failure, and allow it by an explicit label."""
    world.repository.remove(f"live/{API}")
    world.repository.commit()

    report = world.plan()

    assert not report.passed
    assert [entry.rule for entry in report.blocking] == ["PIPELINE-001"]
    (plan_set,) = report.sets
    assert [(unit.path, unit.status) for unit in plan_set.units] == [(API, UnitStatus.REMOVED)]
    assert not world.terragrunt.calls
    stored = store.open_folder(world.out / "dev", plan_set.digest)
    with pytest.raises(RefusedError, match="nobody allowed to destroy"):
        world.workshop.apply(stored, "dev")


def test_pitfall_5_allowed_removal_is_a_set_of_its_own(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pitfall 5: destroy in a run of its own."""
    world.repository.remove(f"live/{API}")
    world.repository.write(f"live/{REGISTRY}/policy.json", "{}")
    world.repository.commit()
    world.terragrunt.plans |= {REGISTRY: CHANGED, API: GONE}

    report = world.plan(allow=True)

    assert report.passed
    changed, gone = report.sets
    assert (changed.destroy, [unit.path for unit in changed.units]) == (
        False,
        [AUTHORIZER, REGISTRY],
    )
    assert (gone.destroy, gone.scope, [unit.path for unit in gone.units]) == (True, "dev", [API])
    assert ("plan", API, "plan", "-destroy") in world.terragrunt.calls
    assert gone.digest != changed.digest

    monkeypatch.setattr("pipeline.tree.find", lambda root, folders, environ: {})
    stored = store.open_folder(world.out / "dev-destroy", gone.digest)
    assert [entry.path for entry in world.workshop.apply(stored, "dev")] == [API]


def test_what_is_gone_and_holds_nothing_is_only_said(world: World) -> None:
    world.repository.remove(f"live/{API}")
    world.repository.commit()
    world.states.applied.discard(API)

    assert world.plan().passed
    assert "holds nothing" in world.said.export_text()


def test_a_whole_environment_says_what_keeps_it(world: World) -> None:
    world.terragrunt.plans |= {
        AUTHORIZER: GONE,
        API: GONE,
        REGISTRY: failed(
            REGISTRY, "plan failed\nResource aws_x.table has lifecycle.prevent_destroy set"
        ),
    }

    report = world.workshop.plan_destruction(world.workshop.layout.scope("dev"), world.out)

    assert not report.passed
    assert [(entry.rule, entry.address) for entry in report.blocking] == [
        ("PIPELINE-003", "aws_x.table")
    ]


def test_pitfall_6_plans_of_another_tree_are_not_applied(world: World) -> None:
    """Pitfall 6: apply needs the commit that was planned."""
    world.terragrunt.plans[REGISTRY] = CHANGED
    report = world.plan(scope="dev", base=False)
    stored = store.open_folder(world.out / "dev", report.sets[0].digest)
    world.repository.write("live/root.hcl", "# somebody merged\n")
    world.repository.commit()

    with pytest.raises(RefusedError, match="stale"):
        world.workshop.apply(stored, "dev")
    assert not world.terragrunt.applied


def test_what_is_not_committed_is_not_uploaded(world: World) -> None:
    world.repository.write("live/root.hcl", "# not committed\n")
    report = world.plan(scope="dev", base=False)

    with pytest.raises(RefusedError, match="not committed"):
        world.workshop.upload(report.sets, world.out)


def test_the_accounts_administrator_applies_what_the_pipeline_stands_on(world: World) -> None:
    path = f"{ACCOUNT}/deploy-roles"
    world.repository.unit(path, "deploy-roles")
    world.repository.commit()
    world.terragrunt.plans[path] = CHANGED
    report = world.plan(scope="non-prod/account")
    stored = store.open_folder(world.out / "non-prod-account", report.sets[0].digest)

    assert world.workshop.apply(stored, "non-prod/account") == ()
    assert "make bootstrap-account ACCOUNT=non-prod" in world.said.export_text()


def test_pitfall_19_an_approval_ends_when_the_plans_change(world: World) -> None:
    """Pitfall 19: an approval is bound to the digest of what was seen."""
    world.terragrunt.plans[REGISTRY] = CHANGED
    first = world.plan(scope="dev", base=False).sets[0]
    approval = approve(
        digest=first.digest,
        scope="dev",
        approver="officer",
        requesters=["somebody"],
        channel=Channel.TERMINAL,
        now=datetime.now(UTC),
    )
    world.terragrunt.plans[REGISTRY] = plan(change("aws_x.other", after={}))
    second = world.plan(scope="dev", base=False).sets[0]

    with pytest.raises(RefusedError):
        approval.require(digest=second.digest, scope="dev")


def test_last_environment_and_security_are_guarded(world: World) -> None:
    layout = world.workshop.layout

    assert world.workshop.is_guarded(layout.scope("prod"))
    assert world.workshop.is_guarded(replace(layout.scope("dev"), account="security"))
    assert not world.workshop.is_guarded(layout.scope("dev"))


def test_the_own_folders_of_the_last_environments_account_are_guarded_like_it(world: World) -> None:
    own = replace(world.workshop.layout.scope("prod"), name="prod/account", environment="account")

    assert world.workshop.is_guarded(own)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("sha256:" + "ab" * 32, True),
        ("ab" * 32, True),
        ("AB" * 6, True),
        (f" {'ab' * 6} ", True),
        ("ab" * 5 + "a", False),
        ("", False),
        ("sha256:", False),
        ("cd" * 32, False),
        ("ab" * 33, False),
    ],
)
def test_a_digest_is_named_by_twelve_digits_at_least(typed: str, *, expected: bool) -> None:
    assert digest_matches("sha256:" + "ab" * 32, typed) is expected


def test_nobody_answering_is_no_answer() -> None:
    def nobody() -> str:
        raise EOFError

    with pytest.raises(Exception, match="nobody answered"):
        ask(Console(quiet=True), "well?", nobody)


def test_a_report_of_it_is_json(world: World) -> None:
    document = json.loads(world.plan(scope="dev", base=False).to_bytes())

    assert document["passed"]
