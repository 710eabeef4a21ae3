"""``unrevoke-client``: the end of a hold."""

import argparse
from collections.abc import Sequence

from pki import console
from pki.commands.revoke_client import add_target_arguments, describe, open_registry, target_of
from pki.console import Output, command_parser
from pki.revocation import release

_EXAMPLES = """\
  unrevoke-client device-001 --environment dev
  unrevoke-client --fingerprint 9c1e... --environment dev"""

_EXIT_CODES = """\
  0  the certificate is active, by this run or before it
  1  refused or failed; also when it is revoked for good, expired, or replaced
  2  wrong usage; also when the name has several certificates on hold and --all is missing"""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return console.run(build_parser(), execute, argv)


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = command_parser(
        "unrevoke-client",
        "Make a certificate active again that was revoked with reason certificateHold. Any other "
        "reason is for\ngood: give the client a new key and certificate.",
        examples=_EXAMPLES,
        exit_codes=_EXIT_CODES,
    )
    add_target_arguments(parser)
    return parser


def execute(arguments: argparse.Namespace, output: Output) -> None:
    """Release, and print what is active now."""
    target = target_of(arguments)
    environment, registry = open_registry(arguments)
    done = release(registry, target, console.now(), output)
    for record in done.already:
        output.note(f"{record.fingerprint} is active; nothing was changed")
    output.result(
        {
            "environment": environment.name,
            "released": [describe(record) for record in done.released],
            "already_active": [describe(record) for record in done.already],
        }
    )
