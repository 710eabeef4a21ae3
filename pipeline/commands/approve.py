"""``python -m pipeline approve``: approve a set of plans on a laptop.

On GitHub people approve in the environment's review, which `pipeline approval` reads.
"""

import argparse
import json
import os
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from pipeline import store
from pipeline.approval import Channel, approve
from pipeline.errors import RefusedError
from pipeline.git import Git
from pipeline.running import digest_matches
from tools.paths import ROOT, write_atomically

ABOUT = "approve a set of plans, as somebody who did not ask for the change"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--plans", metavar="DIR", type=Path, required=True, help="the folder of the set"
    )
    parser.add_argument(
        "--digest",
        metavar="DIGEST",
        required=True,
        help="the digest that was reviewed, or at least 12 digits of it",
    )
    parser.add_argument("--approver", metavar="NAME", required=True, help="who approves")
    parser.add_argument(
        "--requester",
        metavar="NAME",
        action="append",
        default=[],
        help="who asked for the change, beside the authors of its commits; may be repeated",
    )
    parser.add_argument(
        "--approval", metavar="FILE", type=Path, required=True, help="where the approval goes"
    )
    parser.add_argument("--json", action="store_true", help="print the approval as well")


def run(options: argparse.Namespace, console: Console) -> int:
    """Do it, and return the exit code."""
    plan_set = store.open_folder(options.plans.absolute()).plan_set
    if not digest_matches(plan_set.digest, options.digest):
        raise RefusedError(
            f"the plans in {options.plans} are {plan_set.digest}, not {options.digest}",
            hint="review these plans, or plan again",
        )
    git = Git(ROOT, os.environ)
    approval = approve(
        digest=plan_set.digest,
        scope=plan_set.scope,
        approver=options.approver,
        requesters=[*options.requester, *git.authors(plan_set.base, plan_set.head)],
        channel=Channel.TERMINAL,
        now=datetime.now(UTC),
    )
    content = approval.to_bytes().decode()
    write_atomically(options.approval.absolute(), content)
    words = f"{approval.approver} approves {approval.scope} {approval.digest}"
    console.print(words, markup=False, soft_wrap=True)
    if options.json:
        print(json.dumps(json.loads(content), indent=2, ensure_ascii=False))
    return 0
