"""``python -m pipeline scan``: what checkov says of modules and Dockerfiles, waivers applied."""

import argparse
import json
import os

from rich.console import Console

from pipeline import gates, report
from pipeline.errors import UsageError
from pipeline.gates import Gates
from pipeline.git import Git
from pipeline.report import Report
from pipeline.verdict import judge
from tools.paths import ROOT

ABOUT = "scan modules and Dockerfiles by checkov, as the gates do"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="*",
        help="a file of a module, or a Dockerfile, relative to the checkout; all without",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON document")


def run(options: argparse.Namespace, console: Console) -> int:
    """Do it, and return the exit code."""
    found = Gates.here(os.environ, ROOT)
    scope = gates.everything(Git(ROOT, found.environ))
    if options.files:
        scope = gates.of_files(ROOT, options.files)
        if not scope.modules and not scope.dockerfiles:
            raise UsageError("none of these files is of a module, or a Dockerfile")
    with console.status("checkov is starting"):
        findings = found.scan(scope)
    verdict = judge(findings, production=False)
    outcome = Report(findings=findings, blocking=verdict.blocking)
    if options.json:
        print(json.dumps(outcome.to_document(), indent=2, ensure_ascii=False))
    elif findings:
        report.output().print(report.render(outcome))
    return 0 if verdict.passed else 1
