"""``truststore``: what is trusted, by whom, until when; and what is to be trusted from now on."""

import argparse
from collections.abc import Sequence
from enum import StrEnum

from pki import console
from pki.commands.trust_options import (
    Trust,
    add_environment,
    add_rollout,
    canaries,
    describe_plan,
    describe_rollout,
    rollout_of,
)
from pki.console import Output, choice, command_parser, timestamp
from pki.errors import TruststoreError, UsageError
from pki.rollout import plan, roll_out
from pki.trust_status import Facts, Line, Verdict, judge, worst
from pki.truststore_bucket import Pin


class Action(StrEnum):
    """What ``truststore`` does."""

    STATUS = "status"
    ROLLOUT = "rollout"
    CANARY = "canary"


_EXAMPLES = """\
  truststore status --environment dev --pin-file live/non-prod/eu-west-1/dev/truststore.json
  truststore rollout --environment dev --plan \\
    --pin-file live/non-prod/eu-west-1/dev/truststore.json
  truststore rollout --environment dev --canary .local/clients/device-001 --settle 3 \\
    --endpoints .local/endpoints.json --pin-file .local/pins/dev/truststore.json
  truststore canary --environment dev --canary clients/canary"""

_EXIT_CODES = """\
  0  status: all agree and nothing ends soon; rollout: the version is in force and the canary is
     let in; canary: it is let in
  1  refused or failed; a rollout whose canary was refused has returned to the version before
  2  wrong usage"""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return console.run(build_parser(), execute, argv)


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = command_parser(
        "truststore",
        "status   compares what S3 holds, what the domain has pinned, the pin file, what API "
        "Gateway warns\n         of, which certificates depend on which CA, and what ends when\n"
        "rollout  pins a version (the bucket's current one), applies the unit acm-domain, waits, "
        "calls as a\n         canary, and returns to the version before when the canary is "
        "refused\n"
        "canary   calls once; for a pipeline that applies by itself\n\n"
        "Interrupted, run a rollout again: it goes on where it stopped.",
        examples=_EXAMPLES,
        exit_codes=_EXIT_CODES,
    )
    parser.add_argument(
        "action", type=choice(list(Action)), metavar="ACTION", help=", ".join(Action)
    )
    add_environment(parser)
    add_rollout(parser)
    parser.add_argument(
        "--version", metavar="ID", help="rollout: another S3 version than the current one"
    )
    return parser


def execute(arguments: argparse.Namespace, output: Output) -> None:
    """Do what the action says."""
    if arguments.version is not None and arguments.action is not Action.ROLLOUT:
        raise UsageError("--version goes with rollout only")
    match arguments.action:
        case Action.STATUS:
            _status(arguments, output)
        case Action.ROLLOUT:
            _rollout(arguments, output)
        case Action.CANARY:
            _canary(arguments, output)


def _status(arguments: argparse.Namespace, output: Output) -> None:
    trust = Trust.connect(arguments)
    pinned = trust.domain.truststore()
    facts = Facts(
        versions=trust.bucket.versions(),
        current=trust.bucket.current(),
        pinned=pinned,
        in_force=None if pinned is None else trust.bucket.stored(pinned.version),
        pin=None if arguments.pin_file is None else Pin.read(arguments.pin_file),
        rotation=trust.observe(),
    )
    lines = judge(facts, console.now())
    verdict = worst(lines)
    output.result(
        {
            "environment": trust.environment.name,
            "domain": trust.domain.name,
            "location": trust.bucket.uri,
            "rotation": facts.rotation.state,
            "verdict": verdict,
            "lines": [_describe(line) for line in lines],
        },
        table="lines",
    )
    if verdict is not Verdict.OK:
        wrong = [line for line in lines if line.verdict is not Verdict.OK]
        raise TruststoreError(
            "; ".join(f"{line.subject}: {line.found}" for line in wrong),
            hint="; ".join(dict.fromkeys(line.remedy for line in wrong if line.remedy)) or None,
        )


def _describe(line: Line) -> dict[str, object]:
    return {
        "subject": line.subject,
        "found": line.found,
        "ends": None if line.ends is None else timestamp(line.ends),
        "verdict": line.verdict,
    }


def _rollout(arguments: argparse.Namespace, output: Output) -> None:
    trust = Trust.connect(arguments)
    rollout = rollout_of(arguments, trust, output)
    if arguments.plan:
        output.result(describe_plan(plan(rollout, arguments.version), rollout))
        return
    output.result(describe_rollout(roll_out(rollout, arguments.version), rollout))


def _canary(arguments: argparse.Namespace, output: Output) -> None:
    called = canaries(arguments)
    if not called:
        raise UsageError("--canary is missing: who is to call?")
    for canary in called:
        canary.call()
        output.step(f"{canary.folder.name}: let in")
    output.result({"host": called[0].endpoint.host, "let_in": [str(c.folder) for c in called]})
