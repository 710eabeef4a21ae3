"""``rekey-client``: the successor of a client's certificate, with a key that is made here."""

import argparse
from collections.abc import Sequence

from pki import console
from pki.bulk.requests import CLIENT_KEY_TYPES
from pki.commands import issuance
from pki.commands.renew_client import EXIT_CODES, add_renewal, execute_renewal
from pki.console import Output, command_parser

_EXAMPLES = """\
  rekey-client device-001 --environment dev
  rekey-client device-001 --environment dev --format pkcs12 --passphrase-file passphrase
  rekey-client device-001 --environment dev --key-type rsa-2048 --overlap 30"""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return console.run(build_parser(), execute, argv)


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = command_parser(
        "rekey-client",
        "Issue the successor of a client's certificate with a new key that is made here, for "
        "clients that\ncannot make one (renew-client takes the client's own request instead, and "
        "its key never\ntravels). Name, scopes and app client stay. The old certificate may be "
        "used for the overlap,\nthen it retires by itself.",
        examples=_EXAMPLES,
        exit_codes=EXIT_CODES,
    )
    issuance.add_key_type(parser, "the new key")
    add_renewal(parser)
    return parser


def execute(arguments: argparse.Namespace, output: Output) -> None:
    """Renew the client's certificate with a new key and print it."""
    execute_renewal(arguments, arguments.key_type or CLIENT_KEY_TYPES[0], None, output)
