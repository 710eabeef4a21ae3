"""``python -m pipeline plan``: what a change, or a scope, would do."""

import argparse
import json
import os
from pathlib import Path

from rich.console import Console

from pipeline import report
from pipeline.running import PLANS, Workshop, add_lock_seconds

ABOUT = "plan the units that a change affects, or all units of a scope, and judge the plans"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--environment",
        metavar="SCOPE",
        help="an environment, or <account>/<folder> such as non-prod/account; alone, all its units",
    )
    parser.add_argument(
        "--base", metavar="COMMIT", help="plan what differs since the common ancestor with COMMIT"
    )
    parser.add_argument(
        "--out", metavar="DIR", type=Path, default=PLANS, help="where the sets go (build/plans)"
    )
    parser.add_argument(
        "--allow-destroy",
        action="store_true",
        help="plan the destruction of units that are gone, in sets of their own",
    )
    parser.add_argument(
        "--summary", metavar="FILE", type=Path, help="write a report without secrets"
    )
    parser.add_argument(
        "--upload",
        action="store_true",
        help="put the sets into each account's plan bucket, if the gates let them through",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    add_lock_seconds(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Do it, and return the exit code."""
    workshop = Workshop.here(os.environ, console, lock_seconds=options.lock_seconds)
    out = options.out.absolute()
    with workshop.programs.interruptible(console.print):
        found = workshop.gate_and_plan(
            scope=options.environment,
            base=options.base,
            out=out,
            allow_destroy=options.allow_destroy,
        )
    if options.summary is not None:
        options.summary.parent.mkdir(parents=True, exist_ok=True)
        options.summary.write_bytes(found.to_bytes())
    if options.json:
        print(json.dumps(found.to_document(), indent=2, ensure_ascii=False))
    elif found.sets or found.findings:
        report.output().print(report.render(found))
    if not found.passed:
        return 1
    if options.upload:
        workshop.upload(found.sets, out)
    return 0
