"""``publish-crl``: what the function ``<environment>-crl`` does each hour, at once."""

import argparse
from collections.abc import Sequence

from pki import console
from pki.ca_store import CaStore
from pki.commands.access import Access
from pki.console import Output, command_parser, timestamp
from pki.crl_bucket import CrlBucket
from pki.keepers import Keepers
from pki.publication import Publication, Published, publish
from pki.registry import Registry

_EXAMPLES = """\
  publish-crl --environment dev
  publish-crl --environment dev --always"""

_EXIT_CODES = """\
  0  every issuing CA's list is published and fresh
  1  refused or failed; the lists of the other issuing CAs are published"""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return console.run(build_parser(), execute, argv)


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = command_parser(
        "publish-crl",
        "Sign and publish the certificate revocation list of each issuing CA of an environment, if "
        "it has\nchanged or would soon be out of date. /token and the authorizer need none: they "
        "ask the registry.",
        examples=_EXAMPLES,
        exit_codes=_EXIT_CODES,
    )
    parser.add_argument("--environment", required=True, metavar="ENV", help="whose lists")
    parser.add_argument(
        "--always", action="store_true", help="sign also what has not changed and is fresh"
    )
    return parser


def execute(arguments: argparse.Namespace, output: Output) -> None:
    """Publish, and print what is published now."""
    access = Access.take(arguments)
    organization, environment, ceremony = access.organization, access.environment, access.ceremony
    reader = access.reader()
    s3 = ceremony.client("s3")
    outcome = publish(
        Publication(
            environment=environment.name,
            store=CaStore(s3, organization),
            registry=Registry(reader.client("dynamodb"), environment),
            bucket=CrlBucket(s3, organization.crl_bucket),
            signer_of=Keepers(ceremony, organization).signer_of,
            progress=output,
            now=console.now,
        ),
        always=arguments.always,
    )
    output.result(
        {"environment": environment.name, "lists": list(map(_describe, outcome.published))}
    )
    outcome.require_complete()


def _describe(published: Published) -> dict[str, object]:
    return {
        "issuer": published.crl.signed.issuer.rfc4514_string(),
        "location": published.location,
        "number": published.crl.number,
        "entries": len(published.crl.entries),
        "this_update": timestamp(published.crl.this_update),
        "next_update": timestamp(published.crl.next_update),
        "new": published.is_new,
    }
