"""``python -m pipeline destroy``: destroy a whole environment."""

import argparse
import json
import os
import sys
from pathlib import Path

from rich.console import Console

from pipeline import report, store
from pipeline.approval import Approval
from pipeline.errors import PipelineError, RefusedError
from pipeline.planning import set_folder
from pipeline.running import PLANS, Workshop, add_lock_seconds, ask

ABOUT = "destroy a whole environment, after its name was typed"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--environment", metavar="SCOPE", required=True, help="what to destroy, such as dev"
    )
    parser.add_argument(
        "--approval",
        metavar="FILE",
        type=Path,
        help="the approval of the set of destruction (build/plans/<scope>-destroy): needed for the "
        "last environment of promotion, and where nobody can be asked",
    )
    parser.add_argument(
        "--plan-only", action="store_true", help="plan the destruction, for somebody to approve"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    add_lock_seconds(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Do it, and return the exit code."""
    workshop = Workshop.here(os.environ, console, lock_seconds=options.lock_seconds)
    scope = workshop.layout.scope(options.environment)
    folder = set_folder(PLANS, scope, destroy=True)
    if options.approval is not None:
        try:
            approval = Approval.from_bytes(options.approval.read_bytes())
        except OSError as error:
            raise PipelineError(f"{options.approval} cannot be read: {error.strerror}") from error
        stored = store.open_folder(folder, approval.digest)
        approval.require(digest=stored.plan_set.digest, scope=scope.name)
    else:
        if not options.plan_only:
            _require_person(workshop.is_guarded(scope), scope.name)
        with workshop.programs.interruptible(console.print):
            found = workshop.plan_destruction(scope, PLANS)
        if options.json:
            print(json.dumps(found.to_document(), indent=2, ensure_ascii=False))
        else:
            report.output().print(report.render(found))
        if not found.passed:
            return 1
        if options.plan_only or not found.sets:
            return 0
        stored = store.open_folder(folder, found.sets[0].digest)
        if ask(console, f"everything in {scope.name} will be gone; type its name") != scope.name:
            raise RefusedError("that is not its name; nothing was destroyed")
    with workshop.programs.interruptible(console.print):
        done = workshop.apply(stored, scope.name)
    for entry in done:
        console.print(f"{entry.path} is destroyed", markup=False, soft_wrap=True)
    return 0


def _require_person(guarded: bool, name: str) -> None:  # noqa: FBT001 # one fact
    if guarded:
        raise RefusedError(
            f"{name} is destroyed only with an approval of somebody else",
            hint=f"make destroy ENV={name} ARGS=--plan-only, then make approve "
            f"SET=build/plans/{name.replace('/', '-')}-destroy, then APPROVAL=FILE",
        )
    if not sys.stdin.isatty():
        raise RefusedError(
            "nothing is destroyed where nobody can be asked", hint="name an approval: APPROVAL=FILE"
        )
