"""Plans units, layer by layer, and writes each scope's set of plans.

A unit is planned only once all that it depends on has been applied and stays as it is: it *waits*
while a dependency has no outputs yet, or is planned to change them, or waits or failed itself. So
no plan is ever made on mocks.
"""

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console

from pipeline import schedule, semantics
from pipeline.accounts import PLAN, Facts
from pipeline.changes import Affected, module_of
from pipeline.errors import PipelineError
from pipeline.git import Git
from pipeline.model import MOMENT, Counts, PlannedUnit, PlanSet, UnitStatus, digest_of
from pipeline.pins import VERSIONS_FILE, Pins
from pipeline.progress import Progress
from pipeline.terragrunt import Terragrunt, waited
from pipeline.tree import LIVE, UNIT_FILE, Layout, Scope

PLAN_SET = "plan-set.json"
PLAN_FILE = "tfplan"
PLAN_JSON = "tfplan.json"
INPUT = "input.json"

_PRIVATE_FILE, _PRIVATE_FOLDER = 0o600, 0o700
_SCHEMA = Path("policies/schemas/plan.json")


class States(Protocol):
    """What is in the units' states."""

    def has_outputs(self, unit: str) -> bool:
        """Whether a unit was applied."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A unit that was looked at.

    Attributes:
        unit: what goes into the set.
        document: its plan as JSON; None when there is none.
        moves: whether others would see other outputs once it is applied.
    """

    unit: PlannedUnit
    document: Mapping[str, Any] | None = None
    moves: bool = False

    @property
    def holds_others_up(self) -> bool:
        """Whether what depends on it cannot be planned yet."""
        return self.moves or self.unit.status in (UnitStatus.WAITING, UnitStatus.FAILED)


@dataclass(frozen=True, slots=True)
class Run:
    """What a planning run made.

    Attributes:
        sets: a set for each scope, in the order of application.
        folders: where each set lies, by its digest.
        documents: unit to its plan as JSON.
        inputs: unit to the file that the policies read.
        errors: unit to why it could not be planned.
    """

    sets: tuple[PlanSet, ...]
    folders: Mapping[str, Path]
    documents: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    inputs: Mapping[str, Path] = field(default_factory=dict)
    errors: Mapping[str, PipelineError] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Commit:
    """What is planned.

    Attributes:
        head: the commit that is checked out.
        tree: the git tree of the checkout, committed or not.
    """

    head: str
    tree: str

    @classmethod
    def of(cls, git: Git) -> "Commit":
        """What lies in a checkout."""
        return cls(git.commit("HEAD"), git.working_tree())


class Units:
    """What the policies are told of a unit, and which account its plan must be for."""

    def __init__(self, root: Path, facts: Facts, layout: Layout) -> None:
        self._root = root
        self._facts = facts
        self._layout = layout

    def scope_of(self, path: str) -> Scope:
        """The scope of a unit."""
        return self._layout.scope_of(path)

    def describe(self, path: str, *, mode: str, destroy: bool) -> dict[str, Any]:
        """The key ``unit`` of a plan document."""
        account, region, environment, name = path.split("/")
        module, version = self._module(path)
        return {
            "path": path,
            "account": account,
            "account_id": self._facts.account_id(account),
            "region": region,
            "environment": environment,
            "name": name,
            "module": module,
            "version": version,
            "last_environment": self._layout.holds_last_environment(account),
            "promotion": list(self._facts.promotion),
            "organization": self._facts.organization,
            "accounts": dict(self._facts.accounts),
            "mode": mode,
            "destroy": destroy,
        }

    def require_account(self, path: str, plan: Mapping[str, Any]) -> None:
        """Refuse a plan that could be of another account than its unit's.

        Raises:
            PipelineError: a provider is not bound to the unit's account.
        """
        expected = [self._facts.account_id(path.split("/", maxsplit=1)[0])]
        providers = plan.get("configuration", {}).get("provider_config", {})
        bound = [
            entry.get("expressions", {}).get("allowed_account_ids", {}).get("constant_value")
            for entry in providers.values()
            if entry.get("name") == "aws"
        ]
        if not bound or any(accounts != expected for accounts in bound):
            raise PipelineError(
                f"{path}: the plan's provider is not bound to account {expected[0]} alone",
                hint="allowed_account_ids comes from live/root.hcl: let no unit and no module "
                "configure a provider of its own",
            )

    def _module(self, path: str) -> tuple[str, str]:
        module = module_of((self._root / LIVE / path / UNIT_FILE).read_text("utf-8")) or ""
        versions = self._root / LIVE / path.rpartition("/")[0] / VERSIONS_FILE
        pins = Pins.parse(versions.read_text("utf-8")) if versions.is_file() else None
        return module, "" if pins is None else pins.versions.get(module, "")


def policy_input(
    plan: Mapping[str, Any], unit: Mapping[str, Any], schema: Mapping[str, Any] | None
) -> dict[str, Any]:
    """What the policies read of a plan: what their schema names, and the unit.

    The rest of a plan (the prior state foremost) is most of it, and takes OPA as long as the rules.
    """
    document = {**plan, "unit": dict(unit)}
    if schema is None:
        return document
    return {
        key: _prune(value, schema["properties"][key])
        for key, value in document.items()
        if key in schema["properties"]
    }


def _prune(value: object, schema: Mapping[str, Any]) -> object:
    if isinstance(value, dict) and schema.get("additionalProperties") is False:
        named = schema.get("properties", {})
        return {key: _prune(entry, named[key]) for key, entry in value.items() if key in named}
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        return [_prune(entry, schema["items"]) for entry in value]
    return value


def load_schema(root: Path) -> Mapping[str, Any]:
    """The schema of what the policies read."""
    schema: Mapping[str, Any] = json.loads((root / _SCHEMA).read_text("utf-8"))
    return schema


class Planner:
    """Plans units of a checkout."""

    def __init__(
        self,
        *,
        terragrunt: Terragrunt,
        states: States,
        units: Units,
        schema: Mapping[str, Any] | None,
        out: Path,
        console: Console,
        at_once: int,
        destroy: bool = False,
    ) -> None:
        """Work in a checkout.

        Args:
            terragrunt: runs units of it.
            states: what was applied.
            units: describes units of it.
            schema: of what the policies read.
            out: the folder of all sets.
            console: for progress.
            at_once: how many units are planned at the same time.
            destroy: plan destruction, in sets of their own.
        """
        self._destroy = destroy
        self._terragrunt = terragrunt
        self._states = states
        self._units = units
        self._schema = schema
        self._out = out
        self._console = console
        self._at_once = at_once

    def plan(self, affected: Affected, facts: Facts, commit: Commit) -> Run:
        """Plan what is affected, and write the sets.

        Raises:
            PipelineError: units depend on each other, or one that was to be planned was not.
            KeyboardInterrupt: a signal came.
        """
        # A list that is empty must never be taken for everything.
        if not affected.reasons:
            return Run((), {})
        unknown = sorted(set(affected.reasons) - set(affected.units))
        if unknown:
            raise PipelineError(
                f"Terragrunt does not know {', '.join(unknown)}",
                hint="their folders have a terragrunt.hcl that it leaves out: look for `exclude`",
            )
        for scope in affected.scopes:
            clear(self._scope_folder(scope))
        done: dict[str, Planned] = {}
        errors: dict[str, PipelineError] = {}
        progress = Progress(self._console, "planning", len(affected.reasons))

        def work(path: str) -> None:
            done[path] = self._one(path, affected, done, errors, progress)

        try:
            schedule.in_order(
                {path: affected.units[path].dependencies for path in affected.reasons},
                work,
                at_once=self._at_once,
                stopped=self._terragrunt.programs.stopped,
            )
        finally:
            progress.close()
        if self._terragrunt.programs.stopped.is_set():
            raise KeyboardInterrupt
        missing = sorted(set(affected.reasons) - set(done))
        if missing:
            raise PipelineError(
                f"these units were to be planned and were not: {', '.join(missing)}",
                hint="this is a fault of the pipeline; nothing of it may be approved",
            )
        return self._write(affected, facts, commit, done, errors)

    def _one(
        self,
        path: str,
        affected: Affected,
        done: Mapping[str, Planned],
        errors: dict[str, PipelineError],
        progress: Progress,
    ) -> Planned:
        started = time.monotonic()
        why = "; ".join(affected.reasons[path])
        progress.begin(path)
        try:
            waits_for = self._waits_for(affected.units[path].dependencies, done)
            if waits_for and not self._destroy:
                planned = Planned(
                    PlannedUnit(path, UnitStatus.WAITING, waits_for=waits_for, reason=why)
                )
            else:
                folder = self._folder(path)
                private_folder(folder)
                content = self._terragrunt.plan(
                    path, folder / PLAN_FILE, role=PLAN, destroy=self._destroy
                )
                planned = self._read(path, why, content)
        except PipelineError as error:
            errors[path] = error
            planned = Planned(PlannedUnit(path, UnitStatus.FAILED, reason=_in_short(path, error)))
        seconds = waited(started)
        unit = _timed(planned.unit, seconds)
        progress.end(
            path, good=unit.status is not UnitStatus.FAILED, detail=says(unit), seconds=seconds
        )
        return Planned(unit, planned.document, planned.moves)

    def _waits_for(
        self, dependencies: Sequence[str], done: Mapping[str, Planned]
    ) -> tuple[str, ...]:
        return tuple(
            needed
            for needed in dependencies
            if (needed in done and done[needed].holds_others_up)
            or not self._states.has_outputs(needed)
        )

    def _read(self, path: str, why: str, content: bytes) -> Planned:
        """Take a plan that was made, and write what belongs beside it."""
        document = parse_plan(path, content)
        self._units.require_account(path, document)
        form = semantics.form_of(document)
        folder = self._folder(path)
        write_private(folder / PLAN_JSON, content)
        described = self._units.describe(path, mode="review", destroy=self._destroy)
        pruned = policy_input(document, described, self._schema)
        write_private(folder / INPUT, json.dumps(pruned).encode())
        changed = semantics.has_changes(form)
        status = UnitStatus.REMOVED if self._destroy else UnitStatus.CHANGED
        return Planned(
            PlannedUnit(
                path=path,
                status=status if changed else UnitStatus.UNCHANGED,
                counts=Counts.of(document),
                plan_sha256=digest_of((folder / PLAN_FILE).read_bytes()),
                json_sha256=digest_of(content),
                semantics=semantics.digest(form),
                reason=why,
            ),
            document,
            moves=semantics.has_output_changes(document),
        )

    def _folder(self, path: str) -> Path:
        return self._scope_folder(self._units.scope_of(path)) / path

    def _scope_folder(self, scope: Scope) -> Path:
        return set_folder(self._out, scope, destroy=self._destroy)

    def _write(
        self,
        affected: Affected,
        facts: Facts,
        commit: Commit,
        done: Mapping[str, Planned],
        errors: Mapping[str, PipelineError],
    ) -> Run:
        sets: list[PlanSet] = []
        folders: dict[str, Path] = {}
        for scope in affected.scopes:
            units = tuple(
                planned.unit
                for path, planned in sorted(done.items())
                if affected.scope_of(path) == scope
            )
            if not units:
                continue
            plan_set = new_set(scope, facts, commit, affected.base, units, destroy=self._destroy)
            folder = self._scope_folder(scope)
            write_private(folder / PLAN_SET, plan_set.to_bytes())
            sets.append(plan_set)
            folders[plan_set.digest] = folder
        documents = {
            path: planned.document
            for path, planned in sorted(done.items())
            if planned.document is not None
        }
        inputs = {path: self._folder(path) / INPUT for path in documents}
        return Run(tuple(sets), folders, documents, inputs, errors)


def set_folder(out: Path, scope: Scope, *, destroy: bool) -> Path:
    """Where the set of a scope lies: what destroys lies apart."""
    return out / f"{scope.file_name}-destroy" if destroy else out / scope.file_name


def new_set(
    scope: Scope,
    facts: Facts,
    commit: Commit,
    base: str,
    units: tuple[PlannedUnit, ...],
    *,
    destroy: bool,
) -> PlanSet:
    """A set of plans that were just made."""
    return PlanSet(
        repository=facts.repository,
        scope=scope.name,
        account=scope.account,
        environment=scope.environment,
        base=base,
        head=commit.head,
        tree=commit.tree,
        destroy=destroy,
        units=units,
        created_at=datetime.now(UTC).strftime(MOMENT),
    )


def parse_plan(path: str, content: bytes) -> Mapping[str, Any]:
    """A plan's JSON.

    Raises:
        PipelineError: it is none.
    """
    try:
        document = json.loads(content)
    except ValueError as error:
        raise PipelineError(f"{path}: terraform show printed no JSON: {error}") from error
    if not isinstance(document, dict) or "planned_values" not in document:
        raise PipelineError(f"{path}: terraform show printed no plan")
    return document


def says(unit: PlannedUnit) -> str:
    """A unit's plan in a few words."""
    if unit.status is UnitStatus.WAITING:
        return f"waits for {', '.join(unit.waits_for)}"
    if unit.status is UnitStatus.FAILED:
        return f"failed: {unit.reason}"
    counts = unit.counts
    numbers = (
        ("add", counts.add),
        ("change", counts.change),
        ("replace", counts.replace),
        ("destroy", counts.destroy),
    )
    words = ", ".join(f"{number} to {name}" for name, number in numbers if number)
    return f"{unit.status}: {words}" if words else str(unit.status)


def _in_short(path: str, error: PipelineError) -> str:
    """Why a unit could not be planned, in one line."""
    lines = [line.strip() for line in str(error).splitlines()]
    first = lines[0].removeprefix(f"{path}: ")
    cause = next((line.partition("Error: ")[2] for line in lines if "Error: " in line), "")
    return f"{first}: {cause}" if cause else first


def clear(folder: Path) -> None:
    """Forget the plans of an earlier run: plans hold secrets, and old ones mislead.

    The journal stays, since it tells which approved set was applied in part.
    """
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        if entry.name == "applied":
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def private_folder(path: Path) -> None:
    """Make a folder that its owner alone can enter, and those above it that are missing."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=_PRIVATE_FOLDER, exist_ok=True)


def write_private(path: Path, content: bytes) -> None:
    """Write a file that its owner alone can read."""
    private_folder(path.parent)
    path.unlink(missing_ok=True)
    path.touch(mode=_PRIVATE_FILE)
    path.write_bytes(content)


def _timed(unit: PlannedUnit, seconds: float) -> PlannedUnit:
    return replace(unit, seconds=seconds)
