"""``python -m pipeline comment``: the one comment of a pull request, brought up to date."""

import argparse
import os
from pathlib import Path

from rich.console import Console

from pipeline.commands.summary import read_report, this_run
from pipeline.comment import publish, render, supersede
from pipeline.errors import UsageError
from pipeline.github import GitHub, require

ABOUT = "write a report of plan to the pull request, in the comment that is there"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--summary", metavar="FILE", type=Path, help="what plan --summary wrote")
    what.add_argument(
        "--superseded",
        action="store_true",
        help="only say on the comment that is there that a newer commit is being planned",
    )
    parser.add_argument(
        "--pull-request",
        metavar="NUMBER",
        default=os.environ.get("PULL_REQUEST"),
        help="its number (default: $PULL_REQUEST)",
    )
    parser.add_argument(
        "--commit",
        metavar="COMMIT",
        default=os.environ.get("PULL_REQUEST_HEAD"),
        help="the commit of its branch that was planned (default: $PULL_REQUEST_HEAD)",
    )


def run(options: argparse.Namespace, console: Console) -> int:
    """Do it, and return the exit code."""
    number, commit = options.pull_request, options.commit
    if not number or not number.isdigit() or not commit:
        raise UsageError(
            "which pull request, and which commit of it?",
            hint="--pull-request and --commit, or PULL_REQUEST and PULL_REQUEST_HEAD",
        )
    github = GitHub.of(os.environ)
    require(os.environ, "GITHUB_RUN_ID")
    if options.superseded:
        marked = supersede(github, int(number), commit=commit)
        console.print("the comment is marked as out of date" if marked else "nothing to mark")
        return 0
    body = render(read_report(options.summary), this_run(os.environ, commit))
    publish(github, int(number), body, commit=commit)
    console.print(f"commented on pull request {number}")
    return 0
