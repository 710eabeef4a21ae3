"""``python -m pipeline unlock``: clear a lock that nobody holds any more."""

import argparse
import json
import os
from dataclasses import asdict

from rich.console import Console

from pipeline import locks
from pipeline.accounts import PLAN
from pipeline.errors import UsageError
from pipeline.model import UNIT_PATH
from pipeline.running import Workshop

ABOUT = "clear the lock of a unit's state, or show who holds it"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--unit",
        metavar="UNIT",
        required=True,
        help="the unit, such as non-prod/eu-west-1/dev/registry",
    )
    parser.add_argument(
        "--lock", metavar="ID", help="the lock's id; without it, show who holds the lock"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON document")


def run(options: argparse.Namespace, console: Console) -> int:
    """Do it, and return the exit code."""
    if not UNIT_PATH.fullmatch(options.unit):
        raise UsageError(
            f"{options.unit!r} is no unit", hint="<account>/<region>/<environment>/<name>"
        )
    workshop = Workshop.here(os.environ, console)
    found = locks.holder(workshop.accounts, options.unit)
    if options.lock is not None:
        found = locks.require_lock(found, options.unit, options.lock)
        with workshop.programs.interruptible(console.print):
            workshop.terragrunt.unlock(options.unit, options.lock, role=PLAN)
        console.print(
            f"{options.unit}: the lock of {found.who} is cleared", markup=False, soft_wrap=True
        )
    if options.json:
        print(json.dumps(None if found is None else asdict(found), indent=2))
    elif options.lock is None:
        words = (
            "not locked" if found is None else f"{found.id} by {found.who} since {found.created}"
        )
        print(f"{options.unit}: {words}")
    return 0
