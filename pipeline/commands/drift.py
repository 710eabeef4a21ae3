"""``python -m pipeline drift``: where the world is no longer what the code says."""

import argparse
import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from pipeline import drift, report, schedule
from pipeline.drift import DriftReport
from pipeline.noise import FILE, Noise
from pipeline.planning import Commit, Planner, Units, load_schema
from pipeline.running import Workshop, add_lock_seconds
from tools.paths import BUILD, locked

ABOUT = "plan with refresh and show what differs from the code, without the known noise"

_OUT = BUILD / "drift"
_LOCK = BUILD / "pipeline" / "plan.lock"
"""That of ``plan``: Terragrunt's working directories are shared."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--environment",
        metavar="SCOPE",
        help="an environment, or <account>/<folder>; without it, every one",
    )
    parser.add_argument(
        "--summary", metavar="FILE", type=Path, help="write a report without secrets"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    add_lock_seconds(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Do it, and return the exit code: 1 when anything differs, or could not be looked at."""
    workshop = Workshop.here(os.environ, console, lock_seconds=options.lock_seconds)
    noise = Noise.load(workshop.root / FILE, datetime.now(UTC).date())
    names = [scope.name for scope in workshop.layout.scopes(tuple(workshop.facts.accounts))]
    scopes = [options.environment] if options.environment else names
    try:
        with workshop.programs.interruptible(console.print):
            reports = [_look(workshop, scope, noise) for scope in scopes]
    finally:
        shutil.rmtree(_OUT, ignore_errors=True)  # plans hold secrets, and nobody applies these
    found = DriftReport(
        tuple(unit for one in reports for unit in one.units), reports[0].expired if reports else ()
    )
    if options.summary is not None:
        options.summary.parent.mkdir(parents=True, exist_ok=True)
        options.summary.write_bytes(found.to_bytes())
    if options.json:
        print(json.dumps(found.to_document(), indent=2, ensure_ascii=False))
    else:
        report.output().print(drift.render(found))
    return 0 if found.is_clean else 1


def _look(workshop: Workshop, scope: str, noise: Noise) -> DriftReport:
    """Plan a scope with refresh, and read the plans for what differs; nothing is judged."""
    commit = Commit.of(workshop.git)
    planner = Planner(
        terragrunt=workshop.terragrunt,
        states=workshop.states,
        units=Units(workshop.root, workshop.facts, workshop.layout),
        schema=load_schema(workshop.root),
        out=_OUT,
        console=workshop.console,
        at_once=schedule.workers(workshop.environ),
    )
    with locked(_LOCK, lambda: workshop.console.print("waiting for another command to end")):
        affected = workshop.affected(scope=scope, base=None, commit=commit)
        made = planner.plan(affected, workshop.facts, commit)
    units = [unit for plan_set in made.sets for unit in plan_set.units]
    return drift.find(units, made.documents, noise)
