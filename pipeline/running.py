"""A checkout with its tools and collaborators, as the commands use them."""

import argparse
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from pipeline import changes, schedule, tree
from pipeline.accounts import PLAN, Accounts, Facts, States
from pipeline.changes import Affected
from pipeline.errors import UsageError
from pipeline.git import Git
from pipeline.model import PlanSet
from pipeline.planning import Commit, Planner, Run, Units, load_schema
from pipeline.report import Report
from pipeline.terragrunt import DEFAULT_LOCK_SECONDS, Programs, Terragrunt
from pipeline.tree import Layout, Unit
from tools import install
from tools.paths import BUILD, ROOT

LOGS = BUILD / "pipeline" / "logs"


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
        """
        found = install.ensure(["terraform", "terragrunt", "opa"], environ=environ, console=console)
        facts, programs = Facts.load(root), Programs()
        return cls(
            root=root,
            environ=found,
            console=console,
            programs=programs,
            git=Git(root, found),
            facts=facts,
            layout=Layout.here(root),
            accounts=Accounts(facts, environ=os.environ),
            terragrunt=Terragrunt(root, found, programs, LOGS, lock_seconds=lock_seconds),
        )

    def find(self, folders: Iterable[str]) -> dict[str, Unit]:
        """Ask Terragrunt for units."""
        return tree.find(self.root, list(folders), self.environ)

    def affected(self, *, scope: str | None, base: str | None, commit: Commit) -> Affected:
        """The units to plan.

        Raises:
            UsageError: neither a scope nor a base was named, or there is none of that name.
        """
        if base is None:
            if scope is None:
                raise UsageError(
                    "neither a scope nor a base: that would be everything",
                    hint="make plan ENV=dev, or make plan BASE=origin/main",
                )
            return changes.everything_of(self.layout.scope(scope), self.layout, self.find)
        since = self.git.merge_base(base, "HEAD")
        found = changes.affected_by(self.git, since, commit.tree, self.layout, self.find)
        return found if scope is None else found.only(scope)

    def plan(
        self, *, scope: str | None, base: str | None, out: Path, allow_destroy: bool
    ) -> Report:
        """Plan and judge; see `pipeline.planning`."""
        commit = Commit.of(self.git)
        affected = self.affected(scope=scope, base=base, commit=commit)
        if affected.is_empty:
            self.console.print("no unit is affected: there is nothing to plan")
            return Report()
        planner = Planner(
            terragrunt=self.terragrunt,
            states=States(self.accounts, PLAN),
            units=Units(self.root, self.facts, self.layout),
            schema=load_schema(self.root),
            out=out,
            console=self.console,
            at_once=schedule.workers(self.environ),
        )
        run = planner.plan(affected, self.facts, commit)
        return self.judge(run)

    def judge(self, run: Run) -> Report:
        """What the rules say of plans."""
        return Report.of(run.sets, (), (), run.documents)

    def upload(self, sets: Iterable[PlanSet], out: Path) -> None:
        """Put sets into their accounts' plan buckets."""
        raise NotImplementedError
