"""``python -m pipeline drift-issues``: one issue on GitHub for each unit that drifts."""

import argparse
import os
from pathlib import Path

from rich.console import Console

from pipeline.drift import DriftReport, update_issues
from pipeline.errors import PipelineError
from pipeline.github import GitHub

ABOUT = "open, update and close an issue for each unit, from a report of drift"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--summary", metavar="FILE", type=Path, required=True, help="what drift --summary wrote"
    )


def run(options: argparse.Namespace, console: Console) -> int:
    """Do it, and return the exit code."""
    try:
        found = DriftReport.from_bytes(options.summary.read_bytes())
    except FileNotFoundError as error:
        raise PipelineError(
            f"there is no report {options.summary}", hint="drift --summary writes one"
        ) from error
    done = update_issues(GitHub.of(os.environ), found)
    for line in done or ["no issue had to change"]:
        console.print(line, markup=False)
    return 0
