"""``list-clients``: which certificates an environment knows."""

import argparse
from collections.abc import Sequence

from clientcert import RegistryRecord
from pki import console, fleet
from pki.commands.access import Access
from pki.console import Output, argument, choice, command_parser, timestamp
from pki.fleet import Selection, Standing
from pki.organization import parse_generation
from pki.registry import Registry

_EXAMPLES = """\
  list-clients --environment dev
  list-clients --environment dev --status usable --expiring-within 30
  list-clients --environment dev --name 'sensor-*' --generation g1 --json"""

_EXIT_CODES = """\
  0  listed, even when there is none
  1  refused or failed
  2  wrong usage"""

_COLUMNS = ("name", "status", "until (UTC)", "days left", "issued by", "fingerprint")


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return console.run(build_parser(), execute, argv)


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = command_parser(
        "list-clients",
        "List the client certificates of an environment, by name and age. Filters narrow the list "
        "down together.",
        examples=_EXAMPLES,
        exit_codes=_EXIT_CODES,
    )
    parser.add_argument("--environment", required=True, metavar="ENV", help="the environment")
    parser.add_argument(
        "--status",
        action="append",
        type=choice(list(Standing)),
        metavar="STATUS",
        help=f"only those that are now: {', '.join(Standing)}; may be repeated",
    )
    parser.add_argument(
        "--expiring-within",
        type=argument(fleet.parse_days),
        metavar="DAYS",
        help="only those whose use ends within so many days, and has not ended yet",
    )
    parser.add_argument(
        "--generation",
        type=argument(parse_generation),
        metavar="gN",
        help="only those that an issuing CA of this generation issued",
    )
    parser.add_argument(
        "--name",
        metavar="PATTERN",
        help="only clients with such a name: *, ? and [...] stand for characters",
    )
    return parser


def execute(arguments: argparse.Namespace, output: Output) -> None:
    """Read the registry, and print what was asked for."""
    access = Access.take(arguments)
    environment = access.environment
    registry = Registry(access.reader().client("dynamodb"), environment)
    now = console.now()
    selection = Selection(
        standings=frozenset(arguments.status) if arguments.status else None,
        within=arguments.expiring_within,
        generation=arguments.generation,
        name=arguments.name,
    )
    known = [stored.record for stored in registry.records()]
    chosen = fleet.by_name(record for record in known if selection.takes(record, now))
    if arguments.json:
        described = [describe(record, Standing.of(record, now)) for record in chosen]
        output.result({"environment": environment.name, "certificates": described})
        return
    output.table(
        _COLUMNS,
        (
            (
                record.client_id,
                Standing.of(record, now),
                f"{record.usable_until:%Y-%m-%d %H:%M}",
                str((record.usable_until - now).days),
                fleet.generation_of(record.issuer) or record.issuer,
                record.fingerprint,
            )
            for record in chosen
        ),
    )
    output.note(f"{len(chosen)} of {len(known)} certificates")


def describe(record: RegistryRecord, standing: Standing) -> dict[str, object]:
    """A certificate in JSON's types; times ISO 8601 in UTC."""
    return {
        "client_id": record.client_id,
        "status": standing.value,
        "fingerprint": record.fingerprint,
        "serial_number": record.serial_number,
        "issuer": record.issuer,
        "generation": fleet.generation_of(record.issuer),
        "not_before": timestamp(record.not_before),
        "not_after": timestamp(record.not_after),
        "usable_until": timestamp(record.usable_until),
        "scopes": sorted(record.scopes),
        "cognito_client_id": record.cognito_client_id,
        "issued_at": timestamp(record.issued_at),
        "retires_at": None if record.retires_at is None else timestamp(record.retires_at),
        "renewed_from": record.renewed_from,
        "revoked_at": None if record.revoked_at is None else timestamp(record.revoked_at),
        "revocation_reason": record.revocation_reason,
    }
