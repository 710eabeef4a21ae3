"""``bootstrap-ca``: the root and the issuing CAs, once."""

import argparse
from collections.abc import Sequence

import boto3
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from clientcert import fingerprint
from pki import console
from pki.bootstrap import Ceremony, Established, bootstrap
from pki.ca_store import CaStore
from pki.console import Output, argument, command_parser, organization_of, timestamp
from pki.organization import Authority, parse_generation
from pki.sessions import NO_RETRIES, ceremony_session
from pki.signer import KmsSigner, Signer

_EXAMPLES = """\
  bootstrap-ca
  bootstrap-ca --environment dev --json
  bootstrap-ca --environment dev --environment stage --operator alice
  bootstrap-ca --environment dev --generation g2"""

_EXIT_CODES = """\
  0  the root and every issuing CA asked for exist, and this run issued at least one of them
  1  refused or failed; also when everything existed already
  2  wrong usage"""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return console.run(build_parser(), execute, argv)


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = command_parser(
        "bootstrap-ca",
        "Issue the root CA and one issuing CA per environment, with the KMS keys that Terraform "
        "made in\nthe security account, and store their certificates there. No key ever leaves "
        "KMS.\n\nInterrupted, run it again: what exists is checked against its key and kept, the "
        "rest is issued.\nAn environment added later gets its issuing CA the same way.",
        examples=_EXAMPLES,
        exit_codes=_EXIT_CODES,
    )
    parser.add_argument(
        "--environment",
        action="append",
        metavar="NAME",
        help="an environment to make an issuing CA for; may be repeated "
        "(default: every environment under live/)",
    )
    parser.add_argument(
        "--generation",
        type=argument(parse_generation),
        default="g1",
        metavar="gN",
        help="generation of the issuing CAs, part of their names (default: %(default)s)",
    )
    parser.add_argument(
        "--root-generation",
        type=argument(parse_generation),
        metavar="gN",
        help="generation of the root that issues them "
        "(default: the newest that exists, or else that of --generation)",
    )
    return parser


def execute(arguments: argparse.Namespace, output: Output) -> None:
    """Run the ceremony and print what now exists."""
    organization = organization_of(arguments)
    names = arguments.environment or [entry.name for entry in organization.environments]
    environments = [organization.environment(name).name for name in dict.fromkeys(names)]
    session = ceremony_session(
        boto3.Session(region_name=organization.region), organization, arguments.operator
    )
    kms = session.client("kms", config=NO_RETRIES)
    signers: dict[Authority, Signer] = {}

    def signer_of(authority: Authority) -> Signer:
        return signers.setdefault(authority, KmsSigner(kms, authority.key_alias))

    store = CaStore(session.client("s3"), organization)
    ceremony = Ceremony(organization, store, signer_of, output, console.now)
    established = bootstrap(ceremony, environments, arguments.generation, arguments.root_generation)
    output.result(
        {
            "organization": organization.name,
            "certificates": [_describe(entry, store) for entry in established],
        }
    )


def _describe(entry: Established, store: CaStore) -> dict[str, object]:
    certificate: x509.Certificate = entry.certificate
    return {
        "subject": certificate.subject.rfc4514_string(),
        "environment": entry.authority.environment,
        "generation": entry.authority.generation,
        "fingerprint": fingerprint(certificate.public_bytes(Encoding.DER)),
        "serial_number": str(certificate.serial_number),
        "not_before": timestamp(certificate.not_valid_before_utc),
        "not_after": timestamp(certificate.not_valid_after_utc),
        "key": entry.authority.key_alias,
        "location": store.location(entry.authority),
        "created": entry.created,
    }
