"""``show-client``: every certificate of a client, what came of it, and what to do next."""

import argparse
from collections.abc import Sequence
from datetime import datetime

from pki import console
from pki.commands.access import Access
from pki.commands.list_clients import describe
from pki.commands.revoke_client import add_naming_arguments
from pki.console import Output, command_parser
from pki.errors import UnknownClientError
from pki.fleet import Link, Standing, lineage, next_step
from pki.registry import Registry
from pki.revocation import ByFingerprint, BySerial, find

_EXAMPLES = """\
  show-client device-001 --environment dev
  show-client --serial 0x5f3a... --environment dev
  show-client --fingerprint 9c1e... --environment dev --json"""

_EXIT_CODES = """\
  0  shown
  1  refused or failed; also when the registry does not know it
  2  wrong usage"""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return console.run(build_parser(), execute, argv)


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = command_parser(
        "show-client",
        "Show a client's certificates, each followed by those that renewed it: what may be used "
        "now, for what,\nuntil when, and what to do next. A certificate shows its whole client.",
        examples=_EXAMPLES,
        exit_codes=_EXIT_CODES,
    )
    add_naming_arguments(parser, "the client's name")
    return parser


def execute(arguments: argparse.Namespace, output: Output) -> None:
    """Find the client, and print its certificates."""
    access = Access.take(arguments)
    environment = access.environment
    registry = Registry(access.reader().client("dynamodb"), environment)
    now = console.now()
    client_id = _client_id(arguments, registry, now)
    links = lineage(registry.of_client(client_id), now)
    if not links:
        raise UnknownClientError(
            f"the registry has no certificate of {client_id}",
            hint=f"check the name and --environment: list-clients --environment {environment.name}",
        )
    usable = [link for link in links if Standing.of(link.record, now) is Standing.USABLE]
    if not arguments.json:
        output.raw(_tree(links, now))
    output.result(
        {
            "client_id": client_id,
            "environment": environment.name,
            "usable_now": [link.record.fingerprint for link in usable],
            "scopes": sorted({scope for link in usable for scope in link.record.scopes}),
            "certificates": [
                _describe(
                    link, Standing.of(link.record, now), next_step(link, environment.name, now)
                )
                for link in links
            ],
        }
    )


def _client_id(arguments: argparse.Namespace, registry: Registry, now: datetime) -> str:
    if arguments.name is not None:
        return str(arguments.name)
    if arguments.serial is not None:
        (record,) = find(registry, BySerial(arguments.serial), now)
    else:
        (record,) = find(registry, ByFingerprint(arguments.fingerprint), now)
    return record.client_id


def _tree(links: Sequence[Link], now: datetime) -> str:
    """A line a certificate, below the one that it renews."""
    lines = []
    for link in links:
        record, standing = link.record, Standing.of(link.record, now)
        branch = f"{'   ' * (link.depth - 1)}\u2514\u2500 " if link.depth else ""
        until = f"until {record.usable_until:%Y-%m-%d}"
        lines.append(f"{branch}{record.fingerprint[:16]} {standing}, {until}")
    return "".join(f"{line}\n" for line in lines)


def _describe(link: Link, standing: Standing, step: str) -> dict[str, object]:
    """The certificate as `list-clients` describes it, its place in the lineage before it."""
    described = describe(link.record, standing)
    del described["client_id"]
    return {"renewals_before": link.depth, **described, "next": step}
