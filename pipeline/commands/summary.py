"""``python -m pipeline summary``: a report of plan, for a job's page and for the jobs after it."""

import argparse
import json
import os
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from pipeline import report, sarif
from pipeline.comment import SUMMARY_LIMIT, Context, render
from pipeline.errors import PipelineError
from pipeline.model import PlanSet, UnitStatus
from pipeline.report import Report
from pipeline.tree import is_administrators

ABOUT = "show a report of plan: tables, or annotations, the run's summary and outputs in a job"

_TO_APPLY = (UnitStatus.CHANGED, UnitStatus.REMOVED)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--summary", metavar="FILE", type=Path, required=True, help="what plan --summary wrote"
    )
    parser.add_argument("--json", action="store_true", help="print the JSON document")


def run(options: argparse.Namespace, console: Console) -> int:
    """Do it, and return the exit code."""
    found = read_report(options.summary)
    in_job = bool(os.environ.get("GITHUB_ACTIONS"))
    if options.json:
        print(json.dumps(found.to_document(), indent=2, ensure_ascii=False))
    elif in_job:
        for line in sarif.annotations(found.open):
            print(line)
    else:
        report.output().print(report.render(found))
    if in_job:
        to_job(found, os.environ)
        console.print("the summary of this run shows the report")
    return 0


def to_job(found: Report, environ: Mapping[str, str]) -> None:
    """Write the run's summary and its outputs.

    The outputs are ``scopes``, those with something to apply, and ``destroys``, those with
    something to destroy: lists as JSON.
    """
    commit = found.sets[0].head if found.sets else environ.get("GITHUB_SHA", "")
    words = render(found, _for_job(environ, commit), limit=SUMMARY_LIMIT)
    append(environ.get("GITHUB_STEP_SUMMARY"), words)
    for name, destroy in (("scopes", False), ("destroys", True)):
        of_kind = [one.scope for one in found.sets if one.destroy is destroy and is_applied(one)]
        append(environ.get("GITHUB_OUTPUT"), f"{name}={json.dumps(of_kind)}\n")


def is_applied(plan_set: PlanSet) -> bool:
    """Whether the pipeline would apply any of a set: an administrator's units are not its own."""
    return any(
        unit.status in _TO_APPLY and not is_administrators(unit.path) for unit in plan_set.units
    )


def read_report(path: Path) -> Report:
    """The report in a file.

    Raises:
        PipelineError: there is none, or it is malformed.
    """
    try:
        return Report.from_bytes(path.read_bytes())
    except FileNotFoundError as error:
        raise PipelineError(
            f"there is no report {path}", hint="plan --summary writes one, and so does make plan"
        ) from error


def this_run(environ: Mapping[str, str], commit: str) -> Context:
    """Where people see this run."""
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    server, repository, run_id = (environ.get(name, "") for name in names)
    if not (server and repository and run_id):
        return Context(commit)
    return Context(commit, f"{server}/{repository}/actions/runs/{run_id}")


def append(path: str | None, text: str) -> None:
    """Add to one of a job's files; nothing without a name."""
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)


def _for_job(environ: Mapping[str, str], commit: str) -> Context:
    run = this_run(environ, commit)
    if environ.get("GITHUB_EVENT_NAME") == "pull_request":
        return run
    words = "To apply, a reviewer of the scope's environment approves with its digest as comment."
    return Context(run.commit, run.run, words)
