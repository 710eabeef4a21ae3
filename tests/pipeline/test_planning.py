"""Planning layer by layer, with a Terragrunt that plans what it is told to."""

import json
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pipeline.changes import everything_of
from pipeline.errors import PipelineError
from pipeline.model import Counts, PlanSet, UnitStatus
from pipeline.planning import Commit, Planner, Run, Units, load_schema, policy_input
from pipeline.tree import Layout
from tests.pipeline.plans import (
    ACCOUNT,
    DEV,
    FACTS,
    NO_CHANGE,
    FakeStates,
    FakeTerragrunt,
    Repository,
    change,
    failed,
    output,
    plan,
)
from tools.paths import ROOT

REGISTRY, AUTHORIZER, API = (f"{DEV}/{name}" for name in ("registry", "authorizer", "api"))
ZONE = f"{ACCOUNT}/dns-zone"
UNCHANGED = dict.fromkeys((REGISTRY, AUTHORIZER, API), NO_CHANGE)
CHANGED = plan(change("aws_x.this", actions=["update"], before={"a": 1}, after={"a": 2}))
OUTPUTS_CHANGE = plan(outputs={"arn": output(["update"])})


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return Repository(tmp_path_factory.mktemp("template") / "repository")


class World:
    """A repository, and what plans in it come to."""

    def __init__(self, template: Repository, tmp_path: Path) -> None:
        self.repository = template.copy(tmp_path / "repository")
        self.out = tmp_path / "plans"
        self.terragrunt = FakeTerragrunt(self.repository.root, {}, tmp_path / "logs")

    def plan(self, plans: Mapping[str, Any], *applied: str) -> Run:
        layout = Layout.here(self.repository.root)
        self.terragrunt.plans = {**UNCHANGED, **plans}
        planner = Planner(
            terragrunt=self.terragrunt,
            states=FakeStates(*(applied or (REGISTRY, AUTHORIZER, API, ZONE))),
            units=Units(self.repository.root, FACTS, layout),
            schema=load_schema(ROOT),
            out=self.out,
            console=Console(quiet=True),
            at_once=2,
        )
        affected = everything_of(layout.scope("dev"), layout, self.repository.find)
        return planner.plan(affected, FACTS, Commit.of(self.repository.own))

    def statuses(self, plans: Mapping[str, Any], *applied: str) -> dict[str, UnitStatus]:
        (plan_set,) = self.plan(plans, *applied).sets
        return {unit.path.rpartition("/")[2]: unit.status for unit in plan_set.units}


@pytest.fixture
def world(template: Repository, tmp_path: Path) -> World:
    return World(template, tmp_path)


def test_dependencies_are_planned_first(world: World) -> None:
    world.plan({})

    assert world.terragrunt.planned == [REGISTRY, AUTHORIZER, API]
    assert {call[2] for call in world.terragrunt.calls} == {"plan"}


def test_pitfall_1_what_depends_on_a_unit_without_state_waits(world: World) -> None:
    """Pitfall 1: a plan made on mocks would apply, and write the mocks into the state."""
    (plan_set,) = world.plan({REGISTRY: plan(change("aws_x.a", after={}))}, ZONE).sets

    statuses = {unit.path: (unit.status, unit.waits_for) for unit in plan_set.units}
    assert statuses == {
        REGISTRY: (UnitStatus.CHANGED, ()),
        AUTHORIZER: (UnitStatus.WAITING, (REGISTRY,)),
        API: (UnitStatus.WAITING, (AUTHORIZER,)),
    }
    assert world.terragrunt.planned == [REGISTRY]
    waiting = plan_set.unit(API)
    assert waiting is not None
    assert waiting.plan_sha256 is None


def test_pitfall_2_a_dependency_that_changes_its_outputs_is_waited_for(world: World) -> None:
    """Pitfall 2: a new output of an applied dependency would be a mock, or an error."""
    statuses = world.statuses({REGISTRY: OUTPUTS_CHANGE})

    assert statuses == {
        "registry": UnitStatus.CHANGED,
        "authorizer": UnitStatus.WAITING,
        "api": UnitStatus.WAITING,
    }


def test_a_dependency_that_changes_inside_only_is_not_waited_for(world: World) -> None:
    assert world.statuses({REGISTRY: CHANGED, AUTHORIZER: CHANGED}) == {
        "registry": UnitStatus.CHANGED,
        "authorizer": UnitStatus.CHANGED,
        "api": UnitStatus.UNCHANGED,
    }


def test_a_dependency_elsewhere_without_state_is_waited_for(world: World) -> None:
    (plan_set,) = world.plan({}, REGISTRY, AUTHORIZER, API).sets

    api = plan_set.unit(API)
    assert api is not None
    assert (api.status, api.waits_for) == (UnitStatus.WAITING, (ZONE,))


def test_what_depends_on_a_failure_waits_and_the_failure_is_told(world: World) -> None:
    run = world.plan({AUTHORIZER: failed(AUTHORIZER)})

    (plan_set,) = run.sets
    authorizer, api = plan_set.unit(AUTHORIZER), plan_set.unit(API)
    assert authorizer is not None
    assert api is not None
    assert authorizer.status is UnitStatus.FAILED
    assert authorizer.reason == "plan failed: no such thing"
    assert api.status is UnitStatus.WAITING
    assert set(run.errors) == {AUTHORIZER}


def test_pitfall_7_changes_are_read_from_the_plan(world: World) -> None:
    """Pitfall 7: Terragrunt's report does not say whether a plan has changes."""
    changes = plan(
        change("aws_x.a", after={}),
        change("aws_x.b", actions=["update"]),
        change("aws_x.c", actions=["delete"]),
        change("aws_x.d", actions=["delete", "create"]),
        change("aws_x.e", actions=["create", "delete"]),
        change("aws_x.f", actions=["no-op"]),
        change("data.aws_x.g", actions=["read"]),
    )

    (plan_set,) = world.plan({API: changes}).sets

    api, registry = plan_set.unit(API), plan_set.unit(REGISTRY)
    assert api is not None
    assert registry is not None
    assert api.counts == Counts(add=1, change=1, destroy=1, replace=2)
    assert api.counts.total == 5
    assert (registry.status, registry.counts.total) == (UnitStatus.UNCHANGED, 0)


def test_pitfall_4_a_unit_that_terragrunt_leaves_out_is_no_success(world: World) -> None:
    """Pitfall 4: zero matches exit 0."""
    layout = Layout.here(world.repository.root)
    affected = everything_of(layout.scope("dev"), layout, lambda _folders: {})

    planner = Planner(
        terragrunt=world.terragrunt,
        states=FakeStates(),
        units=Units(world.repository.root, FACTS, layout),
        schema=None,
        out=world.out,
        console=Console(quiet=True),
        at_once=1,
    )
    with pytest.raises(PipelineError, match=f"does not know {DEV}/api"):
        planner.plan(affected, FACTS, Commit.of(world.repository.own))
    assert not world.terragrunt.calls


@pytest.mark.parametrize(
    "foreign",
    [
        plan(account="333333333333"),
        plan() | {"configuration": {"provider_config": {}}},
        plan() | {"configuration": {"provider_config": {"aws": {"name": "aws"}}}},
    ],
)
def test_pitfall_3_a_plan_for_another_account_fails(world: World, foreign: dict[str, Any]) -> None:
    """Pitfall 3: allowed_account_ids is the second wall."""
    assert world.statuses({API: foreign})["api"] is UnitStatus.FAILED


def test_pitfall_17_plans_lie_where_their_owner_alone_can_read(world: World) -> None:
    """Pitfall 17: plan files hold secrets."""
    world.plan({})

    folder = world.out / "dev"
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "tfplan"]
    assert {path.name for path in files} == {"plan-set.json", "tfplan.json", "input.json"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}


def test_plans_of_an_earlier_run_are_forgotten_and_its_journal_is_not(world: World) -> None:
    for name in ("applied/x/old.json", f"{DEV}/old/tfplan", "tfplan"):
        path = world.out / "dev" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    world.plan({})

    assert (world.out / "dev/applied/x/old.json").is_file()
    assert not (world.out / f"dev/{DEV}/old").exists()
    assert not (world.out / "dev/tfplan").exists()


def test_a_set_says_what_was_planned(world: World) -> None:
    run = world.plan({REGISTRY: CHANGED})

    (plan_set,) = run.sets
    content = (world.out / "dev/plan-set.json").read_bytes()
    assert PlanSet.from_bytes(content).digest == plan_set.digest
    assert plan_set.head == world.repository.first
    assert plan_set.tree == world.repository.own.tree("HEAD")
    assert run.folders == {plan_set.digest: world.out / "dev"}
    assert set(run.inputs) == {REGISTRY, AUTHORIZER, API}


def test_policies_read_the_unit_and_what_their_schema_names(world: World) -> None:
    document = plan(change("aws_x.a", after={"a": 1}), prior_state={"values": "large"})

    run = world.plan({REGISTRY: document})

    read = json.loads(run.inputs[REGISTRY].read_text())
    assert "prior_state" not in read
    assert read["resource_changes"][0]["change"]["after"] == {"a": 1}
    assert read["unit"] == {
        "path": REGISTRY,
        "account": "non-prod",
        "account_id": "222222222222",
        "region": "eu-west-1",
        "environment": "dev",
        "name": "registry",
        "module": "registry",
        "version": "local",
        "last_environment": False,
        "promotion": ["dev", "prod"],
        "organization": "example",
        "accounts": dict(FACTS.accounts),
        "mode": "review",
        "destroy": False,
    }


def test_without_a_schema_the_policies_read_everything() -> None:
    assert policy_input({"a": 1}, {"path": "x"}, None) == {"a": 1, "unit": {"path": "x"}}
