"""``approve-ceremony``: somebody's word on a plan, for its execution."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from pki import console, files
from pki.ceremony.approval import Approval
from pki.ceremony.github import ENVIRONMENT, GitHub, approval_of
from pki.ceremony.plan import CeremonyPlan
from pki.commands.ceremony import ask_for_approval, read_plan
from pki.console import Output, command_parser
from pki.errors import ApprovalError

_EXAMPLES = """\
  approve-ceremony plan.json --digest sha256:5b1f...
  approve-ceremony plan.json --digest sha256:5b1f... --approval approval.json
  approve-ceremony plan.json --from-github-run"""

_EXIT_CODES = """\
  0  the approval is written
  1  refused: nothing is approved
  2  wrong usage"""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return console.run(build_parser(), execute, argv)


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = command_parser(
        "approve-ceremony",
        "Show the plan of a ceremony, ask the approver for their name and for the plan's digest, "
        "and\nwrite their approval. It asks nothing of AWS.\n\nIn a job of GitHub Actions the "
        f"reviewers of the environment {ENVIRONMENT} approve the run, with the\nplan's digest in "
        "their comment: --from-github-run takes their word from GitHub.",
        examples=_EXAMPLES,
        exit_codes=_EXIT_CODES,
    )
    parser.add_argument("plan", type=Path, metavar="PLAN", help="the plan's file")
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument(
        "--digest",
        metavar="sha256:HEX",
        help="the digest that the requester told you, by another way than the file came",
    )
    how.add_argument(
        "--from-github-run",
        action="store_true",
        help="read who approved the run of this job (GITHUB_TOKEN, with actions: read)",
    )
    parser.add_argument(
        "--approval",
        type=Path,
        default=Path("approval.json"),
        metavar="FILE",
        help="where to write the approval (default: %(default)s)",
    )
    return parser


def execute(arguments: argparse.Namespace, output: Output) -> None:
    """Take the approval and write it."""
    plan = read_plan(arguments.plan)
    if arguments.from_github_run:
        run = GitHub.of(os.environ).run(os.environ)
        approval = approval_of(plan, run, console.now())
    else:
        approval = _ask(plan, arguments.digest, output)
    files.write_atomically(arguments.approval, approval.to_bytes(), files.PUBLIC)
    output.step(f"wrote {arguments.approval}")
    output.result(approval.to_document())


def _ask(plan: CeremonyPlan, told: str, output: Output) -> Approval:
    if plan.digest != told:
        raise ApprovalError(
            f"this plan is {plan.digest}, not {told}",
            hint="the file is not what its requester told you of: find out why",
        )
    return ask_for_approval(plan, output)
