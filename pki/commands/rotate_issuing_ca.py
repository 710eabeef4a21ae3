"""``rotate-issuing-ca``: the next generation of an environment's issuing CA."""

import argparse
from collections.abc import Sequence

from pki import console
from pki.ceremony.plan import CeremonyPlan, Operation
from pki.ceremony.planning import Planner, plan_rotation
from pki.commands.ceremony import ceremony_parser, hold
from pki.console import Output, argument
from pki.errors import UsageError
from pki.organization import parse_generation

_EXAMPLES = """\
  rotate-issuing-ca --environment dev
  rotate-issuing-ca --environment dev --plan plan.json --operator alice
  rotate-issuing-ca --environment dev --generation g2 --root-generation g1 --plan plan.json
  rotate-issuing-ca --execute plan.json --approval approval.json"""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return console.run(build_parser(), execute, argv)


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = ceremony_parser(
        Operation.ROTATE_ISSUING_CA,
        "Issue the next generation of an environment's issuing CA, under the newest root. The old\n"
        "one stays valid: nothing changes for callers until the truststore is rolled out.",
        _EXAMPLES,
    )
    parser.add_argument("--environment", metavar="NAME", help="whose issuing CA")
    parser.add_argument(
        "--generation",
        type=argument(parse_generation),
        metavar="gN",
        help="which generation to issue (default: the one after the newest)",
    )
    parser.add_argument(
        "--root-generation",
        type=argument(parse_generation),
        metavar="gN",
        help="the root that signs it (default: the newest)",
    )
    return parser


def execute(arguments: argparse.Namespace, output: Output) -> None:
    """Hold the ceremony, or the stage of it that was asked for."""
    if arguments.execute is None and arguments.environment is None:
        raise UsageError("--environment is missing", hint="whose issuing CA is to be rotated?")

    def make_plan(planner: Planner) -> CeremonyPlan:
        environment = planner.organization.environment(arguments.environment).name
        return plan_rotation(planner, environment, arguments.generation, arguments.root_generation)

    hold(arguments, output, Operation.ROTATE_ISSUING_CA, make_plan)
