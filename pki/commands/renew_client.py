"""``renew-client``: the successor of a client's certificate, for a key that the client made."""

import argparse
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from pki import console
from pki.commands import issuance
from pki.console import Output, argument, command_parser, timestamp
from pki.csr import parse_client_id
from pki.delivery import ClientFolder
from pki.errors import UsageError
from pki.keys import KeyType
from pki.renewal import DEFAULT_OVERLAP, MAXIMUM_OVERLAP, RenewalRequest, renew
from pki.revocation import parse_fingerprint

OUTPUT_DIR = Path(".local/renewed")

_EXAMPLES = """\
  renew-client device-001 --environment dev --csr next.csr
  renew-client device-001 --environment dev --csr next.csr --overlap 0
  renew-client device-001 --environment dev --csr next.csr --san DNS:device-001.example.com"""

EXIT_CODES = """\
  0  the new certificate is registered and its files are written
  1  refused or failed; nothing is lost: run it again
  2  wrong usage"""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return console.run(build_parser(), execute, argv)


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = command_parser(
        "renew-client",
        "Issue the successor of a client's certificate for a new key that the client made: it "
        "sends a new\nrequest (rekey-client makes the key here instead). Name, scopes and app "
        "client stay. The old\ncertificate may be used for the overlap, then it retires by "
        "itself.\n\nEvery certificate has a key of its own: a request with the old key is refused.",
        examples=_EXAMPLES,
        exit_codes=EXIT_CODES,
    )
    parser.add_argument(
        "--csr",
        type=Path,
        required=True,
        metavar="FILE",
        help="the client's PEM certificate signing request for its new key",
    )
    add_renewal(parser)
    return parser


def execute(arguments: argparse.Namespace, output: Output) -> None:
    """Renew the client's certificate and print the new one."""
    execute_renewal(arguments, issuance.read_request(arguments.csr), arguments.csr, output)


def add_renewal(parser: argparse.ArgumentParser) -> None:
    """What both ways of renewing have."""
    parser.add_argument(
        "name", type=argument(parse_client_id), metavar="NAME", help="the client's name"
    )
    parser.add_argument(
        "--environment", required=True, metavar="ENV", help="the environment it calls"
    )
    parser.add_argument(
        "--overlap",
        type=argument(parse_overlap),
        default=DEFAULT_OVERLAP,
        metavar="DAYS",
        help="days for which the old certificate stays usable, 0 to "
        f"{MAXIMUM_OVERLAP.days} (default: {DEFAULT_OVERLAP.days})",
    )
    parser.add_argument(
        "--fingerprint",
        type=argument(parse_fingerprint),
        metavar="HEX",
        help="which certificate is renewed, when the client has several",
    )
    issuance.add_validity(parser)
    issuance.add_names(parser, "those of the old certificate")
    parser.add_argument(
        "--no-san", action="store_true", help="grant no alternative names, whatever the old one has"
    )
    issuance.add_packaging(parser)
    parser.set_defaults(output_dir=OUTPUT_DIR)


def execute_renewal(
    arguments: argparse.Namespace, source: bytes | KeyType, path: Path | None, output: Output
) -> None:
    """Renew for a request or a key to make, and print the new certificate."""
    if arguments.no_san and arguments.san is not None:
        raise UsageError("--san and --no-san contradict each other")
    names = () if arguments.no_san else issuance.names_of(arguments)
    packaging = issuance.packaging_of(arguments, with_key=isinstance(source, KeyType))
    connected = issuance.Issuance.connect(arguments)
    folder = ClientFolder(arguments.output_dir / arguments.name)
    request = RenewalRequest(
        client_id=arguments.name,
        environment=connected.environment.name,
        source=source,
        lifetime=timedelta(days=arguments.days),
        overlap=arguments.overlap,
        fingerprint=arguments.fingerprint,
        alternative_names=names,
        overwrite=arguments.force,
    )
    with issuance.naming(path):
        renewed = renew(connected.provisioning(folder, packaging, output), request)
    described = issuance.describe(renewed, connected.environment.name, folder, packaging)
    old = connected.registry.find(renewed.record.renewed_from or "")
    described["renewed_from"] = renewed.record.renewed_from
    described["old_retires_at"] = (
        timestamp(old.retires_at) if old is not None and old.retires_at else None
    )
    output.result(described)


def parse_overlap(text: str) -> timedelta:
    """Days of overlap.

    Raises:
        UsageError: no whole number, or too many.
    """
    longest = MAXIMUM_OVERLAP.days
    if not (text.isascii() and text.isdigit() and len(text) < 6 and int(text) <= longest):
        raise UsageError(f"{text!r} is no number of days from 0 to {longest}")
    return timedelta(days=int(text))
