"""``python -m pipeline apply``: apply what was approved, and exactly that."""

import argparse
import json
import os
import sys
from pathlib import Path

from rich.console import Console

from pipeline import report, store
from pipeline.applying import Applied
from pipeline.approval import Approval
from pipeline.errors import PipelineError, RefusedError, UsageError
from pipeline.planning import set_folder
from pipeline.running import PLANS, Workshop, add_lock_seconds, ask, digest_matches

ABOUT = "apply a set of plans that was approved, if planning again shows the same"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--environment", metavar="SCOPE", required=True, help="what to apply, such as dev"
    )
    parser.add_argument(
        "--approval",
        metavar="FILE",
        type=Path,
        help="the approval of the set; without it, plan now and ask at the terminal",
    )
    parser.add_argument(
        "--plans",
        metavar="DIR",
        type=Path,
        help="the folder of the set; without it, an approved set comes from the account's bucket",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    add_lock_seconds(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Do it, and return the exit code."""
    if options.approval is None and not sys.stdin.isatty():
        raise RefusedError(
            "nothing is applied without an approval where nobody can be asked",
            hint="make approve, then make apply with APPROVAL=FILE",
        )
    if options.approval is None and options.plans is not None:
        raise UsageError("--plans needs --approval", hint="without both, a plan is made now")
    workshop = Workshop.here(os.environ, console, lock_seconds=options.lock_seconds)
    if options.approval is None:
        done = _at_the_terminal(workshop, options.environment, console)
    else:
        done = _approved(workshop, options)
    if options.json:
        print(json.dumps([_document(entry) for entry in done], indent=2))
    else:
        for entry in done:
            print(f"{entry.outcome:<10} {entry.path}")
    return 0


def _approved(workshop: Workshop, options: argparse.Namespace) -> tuple[Applied, ...]:
    approval = Approval.from_bytes(_read(options.approval))
    approval.require(digest=approval.digest, scope=options.environment)
    if options.plans is not None:
        stored = store.open_folder(options.plans.absolute(), approval.digest)
    else:
        stored = workshop.stored(workshop.scope(options.environment), approval.digest)
    approval.require(digest=stored.plan_set.digest, scope=stored.plan_set.scope)
    with workshop.programs.interruptible(workshop.console.print):
        return workshop.apply(stored, options.environment)


def _at_the_terminal(workshop: Workshop, name: str, console: Console) -> tuple[Applied, ...]:
    scope = workshop.layout.scope(name)
    if workshop.is_guarded(scope):
        raise RefusedError(
            f"{name} takes an approval of somebody else",
            hint=f"make plan ENV={name}, then make approve, then make apply with APPROVAL=FILE",
        )
    with workshop.programs.interruptible(console.print):
        found = workshop.gate_and_plan(scope=name, base=None, out=PLANS, allow_destroy=False)
    report.output().print(report.render(found))
    if not found.passed:
        raise RefusedError("the gates refuse these plans, or some could not be made")
    if not found.sets:
        return ()
    stored = store.open_folder(set_folder(PLANS, scope, destroy=False), found.sets[0].digest)
    typed = ask(console, "to apply exactly that, type at least 12 digits of the digest")
    if not digest_matches(stored.plan_set.digest, typed):
        raise RefusedError("that is not the digest; nothing was applied")
    with workshop.programs.interruptible(console.print):
        return workshop.apply(stored, name)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PipelineError(f"the approval {path} cannot be read: {error.strerror}") from error


def _document(entry: Applied) -> dict[str, object]:
    return {"unit": entry.path, "outcome": entry.outcome, "seconds": round(entry.seconds, 2)}
