"""``revoke-client``: a certificate that may not be used any more."""

import argparse
from collections.abc import Sequence
from time import sleep

import boto3

from clientcert import RegistryRecord, RevocationReason
from pki import console
from pki.console import Output, argument, choice, command_parser, organization_of, timestamp
from pki.csr import parse_client_id
from pki.errors import UsageError
from pki.registry import Registry
from pki.revocation import (
    Revocation,
    by_serial,
    parse_fingerprint,
    parse_serial,
    revoke,
    revoke_client,
)
from pki.sessions import ceremony_session, writer_session

_EXAMPLES = """\
  revoke-client device-001 --environment dev --reason keyCompromise
  revoke-client --serial 0x5f3a... --environment dev
  revoke-client --fingerprint 9c1e... --environment dev --reason superseded"""

_EXIT_CODES = """\
  0  the certificate is revoked, by this run or before it
  1  refused or failed; also when the registry does not know it
  2  wrong usage; also when the name has several active certificates and --all is missing"""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return console.run(build_parser(), execute, argv)


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = command_parser(
        "revoke-client",
        "Mark a client's certificate revoked in its environment's registry. /token and the "
        "authorizer refuse\nit within two seconds. Revoking twice is no error; the first time and "
        "reason stay.",
        examples=_EXAMPLES,
        exit_codes=_EXIT_CODES,
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "name",
        nargs="?",
        type=argument(parse_client_id),
        metavar="NAME",
        help="the client's name: its active certificate",
    )
    what.add_argument(
        "--serial",
        type=argument(parse_serial),
        metavar="N",
        help="the certificate's serial number: decimal, 0x and hexadecimal, or octets 0a:1b:2c",
    )
    what.add_argument(
        "--fingerprint",
        type=argument(parse_fingerprint),
        metavar="HEX",
        help="SHA-256 of the certificate's DER, with or without colons",
    )
    parser.add_argument(
        "--environment", required=True, metavar="ENV", help="the environment that knows it"
    )
    parser.add_argument(
        "--reason",
        type=choice(list(RevocationReason)),
        default=RevocationReason.UNSPECIFIED,
        metavar="REASON",
        help=f"RFC 5280 reason: {', '.join(RevocationReason)} (default: %(default)s)",
    )
    parser.add_argument(
        "--all", action="store_true", help="with NAME: every active certificate of the client"
    )
    return parser


def execute(arguments: argparse.Namespace, output: Output) -> None:
    """Revoke, and print what is revoked now."""
    if arguments.all and arguments.name is None:
        raise UsageError("--all goes with a client's name only")
    organization = organization_of(arguments)
    environment = organization.environment(arguments.environment)
    ceremony = ceremony_session(
        boto3.Session(region_name=organization.region), organization, arguments.operator
    )
    writer = writer_session(ceremony, environment, arguments.operator)
    registry = Registry(writer.client("dynamodb"), environment)
    done = _revoke(arguments, registry, output)
    for record in done.already:
        output.note(f"{record.fingerprint} was revoked before; nothing was changed")
    output.result(
        {
            "environment": environment.name,
            "revoked": [_describe(record) for record in done.revoked],
            "already_revoked": [_describe(record) for record in done.already],
        }
    )


def _revoke(arguments: argparse.Namespace, registry: Registry, output: Output) -> Revocation:
    reason, now = arguments.reason, console.now()
    if arguments.name is not None:
        return revoke_client(
            registry,
            arguments.name,
            reason,
            every=arguments.all,
            now=now,
            progress=output,
            sleep=sleep,
        )
    if arguments.fingerprint is not None:
        return revoke(registry, (arguments.fingerprint,), reason, now, output)
    records = by_serial(registry, arguments.serial)
    return revoke(registry, tuple(record.fingerprint for record in records), reason, now, output)


def _describe(record: RegistryRecord) -> dict[str, object]:
    return {
        "client_id": record.client_id,
        "fingerprint": record.fingerprint,
        "serial_number": record.serial_number,
        "revoked_at": timestamp(record.revoked_at) if record.revoked_at else None,
        "reason": record.revocation_reason.value if record.revocation_reason else None,
    }
