"""``renew-root``: the next generation of the root."""

import argparse
from collections.abc import Sequence

from pki import console
from pki.ceremony.plan import CeremonyPlan, Operation
from pki.ceremony.planning import Planner, plan_root_renewal
from pki.commands.ceremony import ceremony_parser, hold
from pki.console import Output, argument
from pki.organization import parse_generation

_EXAMPLES = """\
  renew-root
  renew-root --plan plan.json --operator alice
  renew-root --execute plan.json --approval approval.json"""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return console.run(build_parser(), execute, argv)


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = ceremony_parser(
        Operation.RENEW_ROOT,
        "Issue the next generation of the root: a new key and a new name. It issues nothing yet:\n"
        "rotate-issuing-ca moves one environment after the other below it, and until the last is\n"
        "moved both roots are trusted.",
        _EXAMPLES,
    )
    parser.add_argument(
        "--generation",
        type=argument(parse_generation),
        metavar="gN",
        help="which generation to issue (default: the one after the newest)",
    )
    return parser


def execute(arguments: argparse.Namespace, output: Output) -> None:
    """Hold the ceremony, or the stage of it that was asked for."""

    def make_plan(planner: Planner) -> CeremonyPlan:
        return plan_root_renewal(planner, arguments.generation)

    hold(arguments, output, Operation.RENEW_ROOT, make_plan)
