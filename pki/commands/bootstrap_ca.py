"""``bootstrap-ca``: the first ceremony: the root, and an issuing CA for each environment."""

import argparse
from collections.abc import Sequence

from pki import console
from pki.ceremony.plan import CeremonyPlan, Operation
from pki.ceremony.planning import Planner, plan_bootstrap
from pki.commands.ceremony import ceremony_parser, hold
from pki.console import Output

_EXAMPLES = """\
  bootstrap-ca
  bootstrap-ca --environment dev --plan plan.json --operator alice
  bootstrap-ca --execute plan.json --approval approval.json"""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return console.run(build_parser(), execute, argv)


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = ceremony_parser(
        Operation.BOOTSTRAP,
        "Issue the root CA and one issuing CA per environment, and store their certificates in\n"
        "the security account. What exists is kept: an environment added later gets its issuing\n"
        "CA the same way.",
        _EXAMPLES,
    )
    parser.add_argument(
        "--environment",
        action="append",
        metavar="NAME",
        help="an environment to make an issuing CA for; may be repeated "
        "(default: every environment under live/)",
    )
    return parser


def execute(arguments: argparse.Namespace, output: Output) -> None:
    """Hold the ceremony, or the stage of it that was asked for."""

    def make_plan(planner: Planner) -> CeremonyPlan:
        organization = planner.organization
        names = arguments.environment or [entry.name for entry in organization.environments]
        environments = [organization.environment(name).name for name in dict.fromkeys(names)]
        return plan_bootstrap(planner, environments)

    hold(arguments, output, Operation.BOOTSTRAP, make_plan)
