"""A checkout with its tools and collaborators, as the commands use them."""

import argparse
import contextlib
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from pipeline import applying, changes, destroying, schedule, store, tree
from pipeline.accounts import APPLY, PLAN, Accounts, Facts, States
from pipeline.applying import Applied, Applier
from pipeline.changes import Affected
from pipeline.commands.gate import static_scope
from pipeline.errors import CommandFailedError, PipelineError, RefusedError, UsageError
from pipeline.gates import Gates
from pipeline.git import Git
from pipeline.model import Finding, PlannedUnit, PlanSet, UnitStatus
from pipeline.planning import (
    PLAN_SET,
    Commit,
    Planner,
    Run,
    Units,
    load_schema,
    new_set,
    set_folder,
    write_private,
)
from pipeline.report import Report
from pipeline.store import StoredSet
from pipeline.terragrunt import DEFAULT_LOCK_SECONDS, Programs, Terragrunt
from pipeline.tree import Layout, Scope, Unit, is_administrators
from pipeline.verdict import judge
from tools import install
from tools.paths import BUILD, ROOT, locked

PLANS = BUILD / "plans"
"""Where `make plan` writes the sets."""

_OWN = BUILD / "pipeline"
_LOGS = _OWN / "logs"
_TOOLS = ("terraform", "terragrunt")


def add_lock_seconds(parser: argparse.ArgumentParser) -> None:
    """Add the option of every command that runs Terraform."""
    parser.add_argument(
        "--lock-seconds",
        metavar="N",
        type=int,
        default=DEFAULT_LOCK_SECONDS,
        help="how long to wait for a state that somebody else has locked (default: %(default)s)",
    )


@dataclass(frozen=True, slots=True)
class Workshop:
    """What the commands work with.

    Attributes:
        root: the checkout.
        environ: the environment of the programs, with the tools in it.
        console: for progress.
        programs: what runs now.
        git: the checkout's history.
        facts: of the organisation.
        layout: the units that there are.
        accounts: AWS.
        terragrunt: runs units.
        gates: the rules.
        states: what was applied, as the plan role reads it.
    """

    root: Path
    environ: Mapping[str, str]
    console: Console
    programs: Programs
    git: Git
    facts: Facts
    layout: Layout
    accounts: Accounts
    terragrunt: Terragrunt
    gates: Gates
    states: States

    @classmethod
    def here(
        cls,
        environ: Mapping[str, str],
        console: Console,
        *,
        lock_seconds: int = DEFAULT_LOCK_SECONDS,
        root: Path = ROOT,
    ) -> "Workshop":
        """This checkout, with the tools that it needs.

        Raises:
            ToolsError: a tool is missing and cannot be had.
            UsageError: no such time to wait.
        """
        if lock_seconds < 0:
            raise UsageError(f"--lock-seconds {lock_seconds}: expected no negative number")
        found = install.ensure(_TOOLS, environ=environ, console=console)
        facts, programs = Facts.load(root), Programs()
        accounts = Accounts(facts, environ=os.environ)
        return cls(
            root=root,
            environ=found,
            console=console,
            programs=programs,
            git=Git(root, found),
            facts=facts,
            layout=Layout.here(root),
            accounts=accounts,
            terragrunt=Terragrunt(root, found, programs, _LOGS, lock_seconds=lock_seconds),
            gates=Gates.here(found, root),
            states=States(accounts, PLAN),
        )

    # --- What to plan ----------------------------------------------------------------------------

    def find(self, folders: Iterable[str]) -> dict[str, Unit]:
        """Ask Terragrunt for the units below folders of ``live/``."""
        return tree.find(self.root, list(folders), self.environ)

    def affected(self, *, scope: str | None, base: str | None, commit: Commit) -> Affected:
        """The units to plan.

        Raises:
            UsageError: neither a scope nor a base was named, or there is none of that name.
        """
        if base is None:
            if scope is None:
                raise _everything()
            return changes.everything_of(self.layout.scope(scope), self.layout, self.find)
        since = self.git.merge_base(base, "HEAD")
        found = changes.affected_by(self.git, since, commit.tree, self.layout, self.find)
        return found if scope is None else found.only(scope)

    def scope(self, name: str) -> Scope:
        """A scope by its name; of the commit before, when the last unit is gone by now.

        Raises:
            UsageError: there is none.
        """
        try:
            return self.layout.scope(name)
        except UsageError:
            with contextlib.suppress(UsageError, CommandFailedError):
                before = self.git.commit("HEAD^")
                files = self.git.files(before, tree.LIVE)
                facts = self.git.read(before, f"{tree.LIVE}/organization.yaml")
                return Layout.of(files, facts).scope(name)
            raise

    # --- Plans -----------------------------------------------------------------------------------

    def gate_and_plan(
        self, *, scope: str | None, base: str | None, out: Path, allow_destroy: bool
    ) -> Report:
        """Plan if the static gates let that happen; see `gate` and `plan`."""
        if scope is None and base is None:
            raise _everything()
        judged = self.gate(scope=scope, base=base)
        if not judged.passed:
            return judged
        found = self.plan(scope=scope, base=base, out=out, allow_destroy=allow_destroy)
        return replace(found, findings=tuple(dict.fromkeys((*judged.findings, *found.findings))))

    def plan(
        self, *, scope: str | None, base: str | None, out: Path, allow_destroy: bool
    ) -> Report:
        """Plan what is affected, and judge the plans; see `pipeline.planning`."""
        commit = Commit.of(self.git)
        affected = self.affected(scope=scope, base=base, commit=commit)
        if affected.is_empty:
            self.console.print("no unit is affected: there is nothing to plan")
            return Report()
        with self._alone("plan"):
            run = self._planner(self.root, self.layout, out).plan(affected, self.facts, commit)
            runs = [run]
            refusals: tuple[Finding, ...] = ()
            if affected.removed:
                holds = {path: not self.states.is_empty(path) for path in affected.removed}
                refusals = destroying.refusals(affected, holds, allowed=allow_destroy)
                refused = {finding.unit for finding in refusals}
                to_destroy = {
                    path: why
                    for path, why in affected.removed.items()
                    if holds[path] and path not in refused
                }
                for path in sorted(set(affected.removed) - set(to_destroy) - refused):
                    self.console.print(f"{escape(path)} is gone, and holds nothing", soft_wrap=True)
                runs = [
                    self._with_removed(run, affected, refused, commit, out),
                    self._plan_destruction(to_destroy, affected.before, affected.base, commit, out),
                ]
        self._explain(runs)
        return self.judge(_joined(runs), refusals)

    def plan_destruction(self, scope: Scope, out: Path) -> Report:
        """Plan to destroy all units of a scope, as they are here."""
        commit = Commit.of(self.git)
        reasons = {
            path: (f"all of {scope.name} is to be destroyed",)
            for path in self.layout.within(scope)
            if not is_administrators(path)
        }
        with self._alone("plan"):
            run = self._plan_destruction(reasons, self.layout, "", commit, out)
        refusals = [
            finding
            for path, error in run.errors.items()
            for finding in destroying.kept(path, destroying.kept_resources(str(error)))
        ]
        self._explain([run])
        return self.judge(run, refusals)

    def _plan_destruction(
        self,
        reasons: Mapping[str, tuple[str, ...]],
        layout: Layout,
        base: str,
        commit: Commit,
        out: Path,
    ) -> Run:
        if not reasons:
            return Run((), {})
        with destroying.checkout(self.git, base, reasons) as root:
            units = {path: Unit(path) for path in reasons}  # each from its state: no order
            affected = Affected(base, reasons, {}, units, layout, layout)
            planner = self._planner(root, layout, out, destroy=True)
            return planner.plan(affected, self.facts, commit)

    def _with_removed(
        self, run: Run, affected: Affected, refused: Collection[str], commit: Commit, out: Path
    ) -> Run:
        """A run's sets, with the units that are gone and may not be destroyed."""
        sets = {plan_set.scope: plan_set for plan_set in run.sets}
        folders: dict[str, Path] = {}
        for scope in affected.scopes:
            gone = [
                PlannedUnit(path, UnitStatus.REMOVED, reason="; ".join(affected.removed[path]))
                for path in sorted(refused)
                if affected.scope_of(path) == scope
            ]
            old = sets.get(scope.name)
            if gone:
                units = sorted([*(old.units if old else ()), *gone], key=lambda unit: unit.path)
                sets[scope.name] = new_set(
                    scope, self.facts, commit, affected.base, tuple(units), destroy=False
                )
                folder = set_folder(out, scope, destroy=False)
                write_private(folder / PLAN_SET, sets[scope.name].to_bytes())
            if scope.name in sets:
                folders[sets[scope.name].digest] = set_folder(out, scope, destroy=False)
        order = [scope.name for scope in affected.scopes]
        return replace(
            run,
            sets=tuple(sorted(sets.values(), key=lambda entry: order.index(entry.scope))),
            folders=folders,
        )

    def _planner(self, root: Path, layout: Layout, out: Path, *, destroy: bool = False) -> Planner:
        return Planner(
            terragrunt=self.terragrunt.at(root),
            states=self.states,
            units=Units(root, self.facts, layout),
            schema=load_schema(self.root),
            out=out,
            console=self.console,
            at_once=schedule.workers(self.environ),
            destroy=destroy,
        )

    def _explain(self, runs: Iterable[Run]) -> None:
        for run in runs:
            for error in run.errors.values():
                self.console.print(f"[bold red]error:[/] {escape(str(error))}", soft_wrap=True)
                if error.hint:
                    self.console.print(f"[bold]hint:[/] {escape(error.hint)}", soft_wrap=True)

    # --- Rules -----------------------------------------------------------------------------------

    def gate(self, *, scope: str | None, base: str | None) -> Report:
        """What the rules say of the text of ``live/`` and of modules.

        Comes before everything else: reading a unit's configuration already runs code of it.
        """
        chosen = None if scope is None else [scope]
        where = static_scope(self.git, self.layout, base=base, scopes=chosen)
        with self.console.status("judging live/ and the modules"):
            return self._report((), self.gates.static(where), {})

    def judge(self, run: Run, further: Iterable[Finding] = ()) -> Report:
        """What the rules say of plans, and which of it stands in the way."""
        findings = (*further, *self.gates.plans(run.inputs))
        return self._report(run.sets, findings, run.documents)

    def _report(
        self,
        sets: Iterable[PlanSet],
        findings: tuple[Finding, ...],
        documents: Mapping[str, Mapping[str, Any]],
    ) -> Report:
        blocking = [
            finding
            for finding in findings
            if not judge([finding], production=self._is_production(finding.unit)).passed
        ]
        return Report.of(sets, findings, blocking, documents)

    def _blocking(self, inputs: Mapping[str, Path], unit: str) -> tuple[Finding, ...]:
        return judge(self.gates.plans(inputs), production=self._is_production(unit)).blocking

    def _is_production(self, unit: str) -> bool:
        if not unit:  # about no unit: it may be about any
            return True
        return self.layout.is_production(unit.partition("/")[0])

    def is_guarded(self, scope: Scope) -> bool:
        """Whether a scope takes somebody else's approval even at a terminal."""
        return self.layout.is_production(scope.account)

    # --- Stored sets -----------------------------------------------------------------------------

    def upload(self, sets: Iterable[PlanSet], out: Path) -> None:
        """Put sets into their accounts' plan buckets.

        Raises:
            RefusedError: what was planned is not committed.
            PipelineError: a bucket cannot be written to.
        """
        for plan_set in sets:
            if plan_set.tree != self.git.tree(plan_set.head):
                raise RefusedError(
                    "what was planned is not committed, so nobody could check it out to apply it",
                    hint="commit, and plan again",
                )
            scope = self._scope_of(plan_set)
            folder = set_folder(out, scope, destroy=plan_set.destroy)
            store.upload(plan_set, folder, self._bucket(scope, PLAN))
            self.console.print(
                f"{escape(plan_set.scope)}: {plan_set.digest} is stored", soft_wrap=True
            )

    def stored(self, scope: Scope, digest: str) -> StoredSet:
        """Read a set from the account's plan bucket.

        Raises:
            PipelineError: it is not there, or not what was approved.
        """
        return store.fetch(self._bucket(scope, APPLY), digest)

    def _bucket(self, scope: Scope, role: str) -> store.Bucket:
        client = self.accounts.s3(scope.account, scope.region, role)
        return store.Bucket(client, self.facts.plan_bucket(scope.account))

    def _scope_of(self, plan_set: PlanSet) -> Scope:
        region = plan_set.units[0].path.split("/")[1]
        return Scope(plan_set.scope, plan_set.account, region, plan_set.environment)

    # --- Apply -----------------------------------------------------------------------------------

    def apply(self, stored: StoredSet, scope: str) -> tuple[Applied, ...]:
        """Apply a set that was approved; see `pipeline.applying`."""
        plan_set = stored.plan_set
        applying.require_applicable(
            plan_set,
            repository=self.facts.repository,
            scope=scope,
            tree=self.git.working_tree(),
        )
        chosen = [unit.path for unit in applying.to_apply(plan_set)]
        self._say_what_stays(plan_set, chosen)
        if not chosen:
            self.console.print(f"{escape(scope)}: there is nothing to apply")
            return ()
        with (
            self._alone(f"apply-{plan_set.scope.replace('/', '-')}"),
            self._checkout(plan_set, chosen) as (root, order, layout),
        ):
            applier = Applier(
                terragrunt=self.terragrunt.at(root),
                units=Units(root, self.facts, layout),
                schema=load_schema(self.root),
                judge=self._blocking,
                work_folder=_OWN / "apply" / plan_set.scope.replace("/", "-"),
                console=self.console,
                at_once=schedule.workers(self.environ),
            )
            return applier.apply(stored, order)

    @contextmanager
    def _checkout(
        self, plan_set: PlanSet, chosen: Collection[str]
    ) -> Iterator[tuple[Path, Mapping[str, tuple[str, ...]], Layout]]:
        """Where the units of a set are, in which order they are applied, and what there is."""
        folder = self._scope_of(plan_set).folder
        if not plan_set.destroy:
            yield self.root, tree.graph(self.find([folder])), self.layout
            return
        with destroying.checkout(self.git, plan_set.base, chosen) as root:
            units = tree.find(root, [folder], self.environ)
            yield root, destroying.backwards(units, chosen), Layout.here(root)

    def _say_what_stays(self, plan_set: PlanSet, chosen: Collection[str]) -> None:
        for unit in plan_set.units:
            if unit.status is UnitStatus.WAITING:
                self.console.print(
                    f"{escape(unit.path)} waits for {escape(', '.join(unit.waits_for))}: "
                    "plan again afterwards",
                    soft_wrap=True,
                )
            elif unit.path not in chosen and unit.status is UnitStatus.CHANGED:
                account = unit.path.split("/", maxsplit=1)[0]
                self.console.print(
                    f"{escape(unit.path)} is the administrator's: make bootstrap-account "
                    f"ACCOUNT={escape(account)}",
                    soft_wrap=True,
                )

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """One at a time in this checkout: Terragrunt's working directories are shared."""
        lock = _OWN / f"{name}.lock"
        with locked(lock, lambda: self.console.print("waiting for another command to end")):
            yield


def _everything() -> UsageError:
    return UsageError(
        "neither a scope nor a base: that would be everything",
        hint="make plan ENV=dev, or make plan BASE=origin/main",
    )


def digest_matches(digest: str, typed: str) -> bool:
    """Whether somebody named a digest: all of it, or at least twelve hex digits of its begin."""
    wanted = typed.strip().lower().removeprefix("sha256:")
    return len(wanted) >= 12 and digest.removeprefix("sha256:").startswith(wanted)


def ask(console: Console, question: str, read: Callable[[], str] = input) -> str:
    """Ask the person at the terminal.

    Raises:
        PipelineError: nobody answers.
    """
    console.print(f"[cyan]?[/] {escape(question)}: ", end="")
    try:
        return read().strip()
    except EOFError as error:
        raise PipelineError("nobody answered") from error


def _joined(runs: Iterable[Run]) -> Run:
    found = list(runs)
    return Run(
        sets=tuple(plan_set for run in found for plan_set in run.sets),
        folders={digest: path for run in found for digest, path in run.folders.items()},
        documents={path: plan for run in found for path, plan in run.documents.items()},
        inputs={path: file for run in found for path, file in run.inputs.items()},
        errors={path: error for run in found for path, error in run.errors.items()},
    )
