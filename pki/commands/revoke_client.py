"""``revoke-client``: a certificate that may not be used any more."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from clientcert import RegistryRecord, RevocationReason
from pki import console, files
from pki.bulk.revocation import read_lines, revoke_all
from pki.commands.access import Access
from pki.console import Output, argument, choice, command_parser, timestamp
from pki.csr import parse_client_id
from pki.errors import UsageError
from pki.organization import Environment
from pki.registry import Registry
from pki.revocation import (
    ByFingerprint,
    ByName,
    BySerial,
    Order,
    Revocation,
    Target,
    parse_fingerprint,
    parse_serial,
    revoke,
)

_MAXIMUM_FILE_BYTES = 16 * 1024 * 1024

_EXAMPLES = """\
  revoke-client device-001 --environment dev --reason keyCompromise
  revoke-client device-001 --environment dev --reason keyCompromise --lineage
  revoke-client --serial 0x5f3a... --environment dev
  revoke-client --fingerprint 9c1e... --environment dev --reason certificateHold
  revoke-client --from stolen.csv --environment dev --reason keyCompromise"""

_EXIT_CODES = """\
  0  the certificates are revoked, by this run or before it
  1  refused or failed; also when the registry does not know one
  2  wrong usage; also when the name has several active certificates and --all is missing,
     or a line of the file is malformed"""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return console.run(build_parser(), execute, argv)


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = command_parser(
        "revoke-client",
        "Mark client certificates revoked in their environment's registry. /token and the "
        "authorizer refuse\nthem within two seconds. Revoking twice is no error; the first time "
        "and reason stay, but that\ncertificateHold may be followed by another reason.",
        examples=_EXAMPLES,
        exit_codes=_EXIT_CODES,
    )
    what = add_target_arguments(parser)
    what.add_argument(
        "--from",
        dest="file",
        type=Path,
        metavar="FILE",
        help="many: one name, serial number or fingerprint a line, and after a comma the reason; "
        "every line is checked before the first is revoked",
    )
    parser.add_argument(
        "--reason",
        type=choice(list(RevocationReason)),
        default=RevocationReason.UNSPECIFIED,
        metavar="REASON",
        help=f"RFC 5280 reason: {', '.join(RevocationReason)} (default: %(default)s)",
    )
    parser.add_argument(
        "--lineage",
        action="store_true",
        help="with each certificate those that it renewed, and those that renewed it",
    )
    return parser


def add_naming_arguments(
    parser: argparse.ArgumentParser, name_help: str
) -> "argparse._MutuallyExclusiveGroup":
    """How a certificate is named, and its environment."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "name",
        nargs="?",
        type=argument(parse_client_id),
        metavar="NAME",
        help=name_help,
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
    return what


def add_target_arguments(
    parser: argparse.ArgumentParser,
) -> "argparse._MutuallyExclusiveGroup":
    """The same, where a name may mean every certificate of the client."""
    what = add_naming_arguments(parser, "the client's name: its certificate")
    parser.add_argument(
        "--all", action="store_true", help="with names: every certificate of the client in question"
    )
    return what


def target_of(arguments: argparse.Namespace) -> Target:
    """The certificate that the arguments name.

    Raises:
        UsageError: ``--all`` without a name.
    """
    if arguments.name is not None:
        return ByName(arguments.name, arguments.all)
    if arguments.all:
        raise UsageError("--all goes with a client's name only")
    if arguments.fingerprint is not None:
        return ByFingerprint(arguments.fingerprint)
    return BySerial(arguments.serial)


def open_registry(arguments: argparse.Namespace) -> tuple[Environment, Registry]:
    """The environment that the arguments name, and its registry, to write it."""
    access = Access.take(arguments)
    registry = Registry(access.writer().client("dynamodb"), access.environment)
    return access.environment, registry


def execute(arguments: argparse.Namespace, output: Output) -> None:
    """Revoke, and print what is revoked now."""
    done = _from_file(arguments, output) if arguments.file else _one(arguments, output)
    output.result(
        {
            "environment": arguments.environment,
            "revoked": [describe(record) for record in done.revoked],
            "already_revoked": [describe(record) for record in done.already],
        }
    )


def _one(arguments: argparse.Namespace, output: Output) -> Revocation:
    order = Order(target_of(arguments), arguments.reason, arguments.lineage)
    _, registry = open_registry(arguments)
    done = revoke(registry, order, console.now(), output)
    for record in done.already:
        output.note(f"{record.fingerprint} was revoked before; nothing was changed")
    return done


def _from_file(arguments: argparse.Namespace, output: Output) -> Revocation:
    content = files.read(arguments.file, "list of certificates", at_most=_MAXIMUM_FILE_BYTES)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{arguments.file} is not UTF-8 text: {error}") from error
    try:
        lines = read_lines(text, arguments.reason, every=arguments.all, lineage=arguments.lineage)
    except UsageError as error:
        raise UsageError(f"{arguments.file}: {error}", hint=error.hint) from error
    _, registry = open_registry(arguments)
    done = revoke_all(registry, lines, console.now(), output)
    output.step(
        f"{len(lines)} lines: {len(done.revoked)} certificates revoked, {len(done.already)} before"
    )
    return done


def describe(record: RegistryRecord) -> dict[str, object]:
    """A record in the result."""
    return {
        "client_id": record.client_id,
        "fingerprint": record.fingerprint,
        "serial_number": record.serial_number,
        "revoked_at": timestamp(record.revoked_at) if record.revoked_at else None,
        "reason": record.revocation_reason.value if record.revocation_reason else None,
    }
