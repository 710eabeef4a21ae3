"""``expiry-report``: what of an environment ends when."""

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

from pki import console, files
from pki.ca_store import CaStore
from pki.commands.access import Access
from pki.console import Output, choice, command_parser
from pki.domain import DomainName
from pki.errors import TruststoreError, UsageError
from pki.expiry import Item, Urgency, authorities, leaves, truststore_entries
from pki.expiry_sources import pinned_certificates, server_certificate
from pki.organization import Environment, Organization
from pki.registry import Registry
from pki.report import page
from pki.report.model import Report
from pki.report.wording import KINDS, URGENCIES, days_left, state

_EXAMPLES = """\
  expiry-report --environment dev
  expiry-report --environment dev --format html --output expiry.html
  expiry-report --environment dev --json"""

_EXIT_CODES = """\
  0  reported, whatever ends
  1  refused or failed
  2  wrong usage"""

_COLUMNS = ("ends (UTC)", "days left", "state", "kind", "name")


class Format(StrEnum):
    """How a report is rendered."""

    TABLE = "table"
    JSON = "json"
    HTML = "html"


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return console.run(build_parser(), execute, argv)


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = command_parser(
        "expiry-report",
        "Report what of an environment ends when: its clients' certificates, its CAs, the pinned "
        "truststore\nand the server's certificate. The HTML page needs nothing else, and loads "
        "nothing from anywhere.",
        examples=_EXAMPLES,
        exit_codes=_EXIT_CODES,
    )
    parser.add_argument("--environment", required=True, metavar="ENV", help="the environment")
    parser.add_argument(
        "--format",
        type=choice(list(Format)),
        metavar="FORMAT",
        help=f"{', '.join(Format)} (default: table; --json is --format json)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="write the report there (json and html; default: standard output)",
    )
    return parser


def execute(arguments: argparse.Namespace, output: Output) -> None:
    """Gather, and print or write."""
    chosen = _format(arguments)
    access = Access.take(arguments)
    report = gather(access.organization, access.environment, access.ceremony, access.writer())
    for note in report.notes:
        output.warning(note)
    if chosen is Format.TABLE:
        _print(report, output)
        return
    text = (
        page.render(report)
        if chosen is Format.HTML
        else f"{json.dumps(report.to_document(), indent=2)}\n"
    )
    if arguments.output is None:
        output.raw(text)
        return
    files.write_atomically(arguments.output, text.encode(), files.PUBLIC)
    output.step(f"wrote {arguments.output}")


def gather(
    organization: Organization,
    environment: Environment,
    ceremony: boto3.Session,
    writer: boto3.Session,
) -> Report:
    """Read everything that ends; what cannot be read besides the registry is a note.

    Raises:
        RegistryError: the registry cannot be read.
    """
    now = console.now()
    records = [
        stored.record for stored in Registry(writer.client("dynamodb"), environment).records()
    ]
    items = [*leaves(records, now)]
    notes: list[str] = []
    store = CaStore(ceremony.client("s3"), organization)
    apigatewayv2, name = writer.client("apigatewayv2"), organization.api_domain_name(environment)

    def of_authorities() -> Iterable[Item]:
        known = (*store.issuing(environment.name), *store.roots())
        return authorities([store.get(authority) for authority in known])

    def of_truststore() -> Iterable[Item]:
        pinned = pinned_certificates(DomainName(apigatewayv2, name), writer.client("s3"))
        return truststore_entries(pinned)

    def of_server() -> Iterable[Item]:
        return (server_certificate(apigatewayv2, writer.client("acm"), name),)

    sources: dict[str, Callable[[], Iterable[Item]]] = {
        "the CAs": of_authorities,
        "the pinned truststore": of_truststore,
        "the server's certificate": of_server,
    }
    for what, read in sources.items():
        try:
            items += read()
        except (ClientError, TruststoreError) as error:
            notes.append(f"{what} could not be read: {error}")
    return Report(
        organization=organization.name,
        environment=environment.name,
        made_at=now,
        items=tuple(items),
        notes=tuple(notes),
    )


def _format(arguments: argparse.Namespace) -> Format:
    if arguments.json and arguments.format not in {None, Format.JSON}:
        raise UsageError("--json goes with --format json only")
    chosen = Format.JSON if arguments.json else arguments.format or Format.TABLE
    if arguments.output is not None and chosen is Format.TABLE:
        raise UsageError(
            "--output goes with --format json or html",
            hint="a table is for the terminal: add --format html",
        )
    return Format(chosen)


def _print(report: Report, output: Output) -> None:
    output.table(
        _COLUMNS,
        (
            (
                f"{item.ends:%Y-%m-%d %H:%M}",
                days_left(item, report.made_at),
                state(item, report.made_at),
                KINDS[item.kind],
                item.name,
            )
            for item in report.items
        ),
    )
    urgent = {
        URGENCIES[urgency]: count
        for urgency, count in report.urgencies.items()
        if count and urgency is not Urgency.LATER
    }
    words = ", ".join(f"{count} {name}" for name, count in urgent.items())
    output.note(words or "nothing ends within 60 days")
