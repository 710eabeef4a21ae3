"""Applies a plan set that was approved, and nothing else.

Each unit is planned again, with the role that may write. Its fresh plan is applied only if it
means what the reviewed one meant. Where an earlier run of the same set was broken off, the fresh
plan may be what is left of the reviewed one.
"""

import json
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from pipeline import schedule, semantics
from pipeline.accounts import APPLY
from pipeline.errors import CommandFailedError, PipelineError, RefusedError, TamperedError
from pipeline.model import Finding, PlannedUnit, PlanSet, UnitStatus
from pipeline.planning import (
    INPUT,
    PLAN_FILE,
    Units,
    parse_plan,
    policy_input,
    private_folder,
    write_private,
)
from pipeline.progress import Progress
from pipeline.store import StoredSet
from pipeline.terragrunt import Terragrunt, waited
from pipeline.tree import is_administrators

_SHOWN = 20
"""Differences that are told; all of them are in the log."""

type Judge = Callable[[Mapping[str, Path], str], tuple[Finding, ...]]
"""Gives the findings for which the gate refuses the plans of a scope."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a unit.

    Attributes:
        path: below ``live/``.
        outcome: ``applied``, ``completed`` (the rest of a run that was broken off), ``unchanged``.
        seconds: how long it took.
    """

    path: str
    outcome: str
    seconds: float


def require_applicable(plan_set: PlanSet, *, repository: str, scope: str, tree: str) -> None:
    """Refuse a set that is not of this checkout, or that is not whole.

    Raises:
        RefusedError: it is not.
    """
    if plan_set.scope != scope or plan_set.repository != repository:
        raise RefusedError(
            f"the plans are of {plan_set.scope} of {plan_set.repository}, "
            f"not of {scope} of {repository}"
        )
    own = (plan_set.account, plan_set.environment)
    foreign = [unit.path for unit in plan_set.units if tuple(unit.path.split("/")[::2]) != own]
    if foreign or scope not in (plan_set.environment, "/".join(own)):
        others = ", ".join(foreign) or "/".join(own)
        raise RefusedError(f"the plans are called those of {scope}, and are of {others}")
    if plan_set.tree != tree:
        raise RefusedError(
            f"the plans are stale: made from tree {plan_set.tree[:12]} (commit "
            f"{plan_set.head[:12]}), and checked out is tree {tree[:12]}",
            hint="bring the branch up to date, plan again, and have that approved",
        )
    failed = [unit.path for unit in plan_set.units if unit.status is UnitStatus.FAILED]
    if failed:
        raise RefusedError(f"the plan failed of {', '.join(failed)}", hint="plan again")
    if not plan_set.destroy:
        removed = [unit.path for unit in plan_set.units if unit.status is UnitStatus.REMOVED]
        if removed:
            raise RefusedError(
                f"the folder is gone of {', '.join(removed)}, and nobody allowed to destroy them",
                hint="plan with --allow-destroy (the label on the pull request)",
            )


def to_apply(plan_set: PlanSet) -> tuple[PlannedUnit, ...]:
    """The units that have anything to apply, by the pipeline."""
    return tuple(
        unit
        for unit in plan_set.units
        if unit.status in (UnitStatus.CHANGED, UnitStatus.REMOVED)
        and unit.plan_sha256 is not None
        and not is_administrators(unit.path)
    )


class Applier:
    """Applies the units of a set."""

    def __init__(
        self,
        *,
        terragrunt: Terragrunt,
        units: Units,
        schema: Mapping[str, Any] | None,
        judge: Judge,
        work_folder: Path,
        console: Console,
        at_once: int,
    ) -> None:
        self._terragrunt = terragrunt
        self._units = units
        self._schema = schema
        self._judge = judge
        self._folder = work_folder
        self._console = console
        self._at_once = at_once
        self._judging = threading.Lock()

    def apply(
        self, stored: StoredSet, dependencies: Mapping[str, Collection[str]]
    ) -> tuple[Applied, ...]:
        """Apply what a set has to apply, each unit after those that it depends on.

        Args:
            stored: the set; approved, and of this checkout.
            dependencies: of the set's units, in the order of application.

        Raises:
            RefusedError: a fresh plan means something else, or a rule refuses it.
            TamperedError: a stored plan is not what was reviewed.
            CommandFailedError: Terraform failed; what was done before stays done.
            KeyboardInterrupt: a signal came.
        """
        chosen = {unit.path: unit for unit in to_apply(stored.plan_set)}
        if not chosen:
            return ()
        # Before anything is changed: every plan that was reviewed is there, and is itself.
        reviewed = {path: self._reviewed(stored, unit) for path, unit in chosen.items()}
        progress = Progress(self._console, "applying", len(chosen))
        graph = {path: tuple(dependencies.get(path, ())) for path in chosen}

        def work(path: str) -> Applied:
            return self._one(stored, path, reviewed[path], progress)

        try:
            done = schedule.in_order(
                graph, work, at_once=self._at_once, stopped=self._terragrunt.programs.stopped
            )
        finally:
            progress.close()
        if self._terragrunt.programs.stopped.is_set():
            raise KeyboardInterrupt
        missing = sorted(set(chosen) - set(done))
        if missing:
            raise PipelineError(f"these units were to be applied and were not: {missing}")
        return tuple(done[path] for path in sorted(done))

    def _reviewed(self, stored: StoredSet, unit: PlannedUnit) -> semantics.Form:
        form = semantics.form_of(parse_plan(unit.path, stored.plan_json(unit)))
        found = semantics.digest(form)
        if found != unit.semantics:
            raise TamperedError(
                f"{unit.path}: the stored plan means something else than its set says: "
                f"expected {unit.semantics}, found {found}"
            )
        return form

    def _one(
        self, stored: StoredSet, path: str, reviewed: semantics.Form, progress: Progress
    ) -> Applied:
        started = time.monotonic()
        progress.begin(path)
        try:
            with self._private(path) as folder:
                outcome = self._apply(stored, path, reviewed, folder)
        except BaseException:
            progress.end(path, good=False, detail="not applied", seconds=waited(started))
            raise
        seconds = waited(started)
        progress.end(path, good=True, detail=outcome, seconds=seconds)
        return Applied(path, outcome, seconds)

    def _apply(self, stored: StoredSet, path: str, reviewed: semantics.Form, folder: Path) -> str:
        destroy, file = stored.plan_set.destroy, folder / PLAN_FILE
        content = self._terragrunt.plan(path, file, role=APPLY, destroy=destroy)
        document = parse_plan(path, content)
        self._units.require_account(path, document)
        fresh = semantics.form_of(document)
        journal = stored.journal
        if not semantics.has_changes(fresh):
            # Done already, by a run that was broken off before it could say so.
            if not journal.is_done(path):
                journal.write(path, "done")
            return "unchanged"
        was_started = journal.was_started(path)
        differences = semantics.compare(reviewed, fresh)
        if differences and was_started:
            differences = semantics.remainder(reviewed, fresh)
        if differences:
            raise RefusedError(
                _say(path, differences),
                hint="something changed since the review: plan again, and have that approved",
            )
        self._require_allowed(path, document, folder, destroy=destroy)
        journal.write(path, "started")
        try:
            self._terragrunt.apply(path, file, role=APPLY)
        except CommandFailedError as error:
            raise type(error)(
                str(error),
                hint=f"{error.hint}. The same approval completes it: apply again",
            ) from error
        journal.write(path, "done")
        return "completed" if was_started else "applied"

    def _require_allowed(
        self, path: str, document: Mapping[str, Any], folder: Path, *, destroy: bool
    ) -> None:
        described = self._units.describe(path, mode="apply", destroy=destroy)
        file = folder / INPUT
        write_private(file, json.dumps(policy_input(document, described, self._schema)).encode())
        with self._judging:  # each is a process that takes a core
            blocking = self._judge({path: file}, path)
        if blocking:
            lines = [
                f"  {finding.rule} {finding.address}: {finding.message}" for finding in blocking
            ]
            raise RefusedError(f"{path}: the rules refuse the plan\n" + "\n".join(lines))

    @contextmanager
    def _private(self, path: str) -> Iterator[Path]:
        """A folder for a plan that is applied at once, and gone afterwards: it holds secrets."""
        folder = self._folder / path
        private_folder(folder)
        try:
            yield folder
        finally:
            for name in (PLAN_FILE, INPUT):
                (folder / name).unlink(missing_ok=True)


def _say(path: str, differences: tuple[semantics.Difference, ...]) -> str:
    lines = [f"  {difference}" for difference in differences[:_SHOWN]]
    if len(differences) > _SHOWN:
        lines.append(f"  and {len(differences) - _SHOWN} more")
    return "\n".join([f"{path}: the plan is not the one that was reviewed", *lines])
