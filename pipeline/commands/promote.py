"""``python -m pipeline promote``: take a module's version on to the next environment."""

import argparse
import json
import os
from pathlib import Path

from rich.console import Console

from pipeline import promotion
from pipeline.git import Git
from pipeline.promotion import Promotion
from pipeline.tree import Layout
from tools.paths import ROOT

ABOUT = "write a module's pin in the next environment, and show what lies between the versions"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--module", metavar="NAME", required=True, help="such as registry")
    parser.add_argument("--from", dest="source", metavar="ENV", required=True, help="such as dev")
    parser.add_argument("--to", dest="target", metavar="ENV", required=True, help="such as stage")
    parser.add_argument(
        "--version",
        metavar="VERSION",
        default=os.environ.get("VERSION") or None,
        help="an older version than the one in --from (default: $VERSION)",
    )
    parser.add_argument("--dry-run", action="store_true", help="show it, and write nothing")
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)


def run(options: argparse.Namespace, console: Console) -> int:
    """Do it, and return the exit code."""
    root: Path = options.root.resolve()
    step = promotion.prepare(
        Git(root),
        Layout.here(root),
        module=options.module,
        source=options.source,
        target=options.target,
        version=options.version,
    )
    if not options.dry_run:
        promotion.write(root, step)
    if options.json:
        print(json.dumps(_document(step), indent=2, ensure_ascii=False))
    else:
        for part in (step.changelog, step.stat, step.patch):
            if part:
                print(f"{part}\n")
    words = "would be" if options.dry_run else "is now"
    console.print(
        f"{step.module} in {step.target} {words} {step.new} ({step.old} before): {step.file}",
        markup=False,
        soft_wrap=True,
    )
    return 0


def _document(step: Promotion) -> dict[str, str]:
    return {
        "module": step.module,
        "from": step.source,
        "to": step.target,
        "old": str(step.old),
        "new": str(step.new),
        "file": str(step.file),
        "changelog": step.changelog,
        "stat": step.stat,
        "patch": step.patch,
    }
