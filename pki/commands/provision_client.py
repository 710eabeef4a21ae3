"""``provision-client``: a certificate for a device."""

import argparse
import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import boto3

from pki import console, files
from pki.app_clients import cognito_client_id
from pki.ca_store import CaStore
from pki.console import Output, argument, choice, command_parser, organization_of, timestamp
from pki.csr import MAXIMUM_CSR_BYTES, accept_csr, parse_client_id
from pki.delivery import CERTIFICATE, CHAIN, PRIVATE_KEY, ClientFolder
from pki.errors import CsrError, UsageError
from pki.issuing import CertificateAuthority
from pki.keepers import Keepers
from pki.keys import KeyType, PublicKey
from pki.organization import parse_generation
from pki.profiles import MAXIMUM_CLIENT_LIFETIME
from pki.provisioning import ClientRequest, Provisioned, Provisioning, provision
from pki.registry import Registry
from pki.sessions import ceremony_session, writer_session

_DEFAULT_SCOPE = "api/read"
_CLIENT_KEY_TYPES = (KeyType.EC_P256, KeyType.EC_P384, KeyType.RSA_2048, KeyType.RSA_3072)
_SCOPE = re.compile(r"[\x21\x23-\x2e\x30-\x5b\x5d-\x7e]+/[\x21\x23-\x2e\x30-\x5b\x5d-\x7e]+")
_APP_CLIENT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")

_EXAMPLES = """\
  provision-client device-001 --environment dev --csr device-001.csr
  provision-client device-001 --environment dev --generate-key --scope api/read --scope api/write
  provision-client device-001 --environment dev --csr next.csr --additional --output-dir next"""

_EXIT_CODES = """\
  0  the certificate is registered and its files are written
  1  refused or failed; nothing is lost: run it again
  2  wrong usage"""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return console.run(build_parser(), execute, argv)


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = command_parser(
        "provision-client",
        "Issue a client certificate, enter it in the environment's registry, and write "
        f"{CERTIFICATE},\n{CHAIN} and, when it was made here, {PRIVATE_KEY} (0600) to "
        "<output-dir>/<name>/.\n\nInterrupted, run it again with the same options: it completes "
        "what was begun.",
        examples=_EXAMPLES,
        exit_codes=_EXIT_CODES,
    )
    parser.add_argument(
        "name",
        type=argument(parse_client_id),
        metavar="NAME",
        help="the client's name, its certificate's common name: a-z, 0-9 and dashes",
    )
    parser.add_argument(
        "--environment", required=True, metavar="ENV", help="the environment it may call"
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--csr",
        type=Path,
        metavar="FILE",
        help="the client's PEM certificate signing request; its key stays with the client",
    )
    source.add_argument(
        "--generate-key", action="store_true", help="make the key here, when the client cannot"
    )
    parser.add_argument(
        "--key-type",
        type=choice(_CLIENT_KEY_TYPES),
        metavar="TYPE",
        help=f"with --generate-key: {', '.join(_CLIENT_KEY_TYPES)} (default: {KeyType.EC_P256})",
    )
    parser.add_argument(
        "--scope",
        action="append",
        type=argument(parse_scope),
        metavar="SCOPE",
        help=f"an OAuth scope it may ask for; may be repeated (default: {_DEFAULT_SCOPE})",
    )
    parser.add_argument(
        "--app-client",
        default="default",
        type=argument(parse_app_client),
        metavar="NAME",
        help="the Cognito app client its tokens are issued to (default: %(default)s)",
    )
    parser.add_argument(
        "--days",
        type=argument(parse_days),
        default=MAXIMUM_CLIENT_LIFETIME.days,
        metavar="N",
        help="days of validity, at most %(default)s (default: %(default)s)",
    )
    parser.add_argument(
        "--generation",
        type=argument(parse_generation),
        metavar="gN",
        help="the issuing CA's generation (default: the newest)",
    )
    parser.add_argument(
        "--additional",
        action="store_true",
        help="issue it although the client has an active certificate (overlap in a rotation)",
    )
    parser.add_argument(
        "--output-dir",
        type=Path,
        default=Path(".local/clients"),
        metavar="DIR",
        help="where the client's folder is made (default: %(default)s)",
    )
    parser.add_argument(
        "--force", action="store_true", help="replace files that exist in the client's folder"
    )
    return parser


def execute(arguments: argparse.Namespace, output: Output) -> None:
    """Provision the client and print what was issued."""
    key = _key(arguments)
    organization = organization_of(arguments)
    environment = organization.environment(arguments.environment)
    ceremony = ceremony_session(
        boto3.Session(region_name=organization.region), organization, arguments.operator
    )
    writer = writer_session(ceremony, environment, arguments.operator)
    store = CaStore(ceremony.client("s3"), organization)
    authority = store.newest_issuing(environment.name, arguments.generation)
    signer = Keepers(ceremony, organization).signer_of(authority)
    issuer = CertificateAuthority(store.get(authority), signer)
    folder = ClientFolder(arguments.output_dir / arguments.name)
    provisioned = provision(
        Provisioning(
            issuer=issuer,
            root=store.root_of(issuer.certificate),
            registry=Registry(writer.client("dynamodb"), environment),
            folder=folder,
            progress=output,
            now=console.now,
        ),
        ClientRequest(
            client_id=arguments.name,
            environment=environment.name,
            key=key,
            scopes=frozenset(arguments.scope or (_DEFAULT_SCOPE,)),
            cognito_client_id=cognito_client_id(
                writer.client("ssm"), environment, arguments.app_client
            ),
            lifetime=timedelta(days=arguments.days),
            additional=arguments.additional,
            overwrite=arguments.force,
        ),
    )
    output.result(_describe(provisioned, environment.name, folder))


def parse_scope(text: str) -> str:
    """An OAuth scope as Cognito names it, ``<resource server>/<scope>``.

    Raises:
        UsageError: it is not.
    """
    if not _SCOPE.fullmatch(text):
        raise UsageError(
            f"{text!r} is no scope", hint="<resource server>/<scope>, such as api/read"
        )
    return text


def parse_days(text: str) -> int:
    """Days of validity.

    Raises:
        UsageError: no whole number, or none that a client certificate may have.
    """
    longest = MAXIMUM_CLIENT_LIFETIME.days
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= longest):
        raise UsageError(f"{text!r} is no number of days from 1 to {longest}")
    return int(text)


def parse_app_client(text: str) -> str:
    """An app client's name in ``live/``.

    Raises:
        UsageError: it is none.
    """
    if not _APP_CLIENT.fullmatch(text):
        raise UsageError(f"{text!r} is no app client's name")
    return text


def _key(arguments: argparse.Namespace) -> PublicKey | KeyType:
    if arguments.generate_key:
        return arguments.key_type or KeyType.EC_P256
    if arguments.key_type is not None:
        raise UsageError(
            "--key-type goes with --generate-key only", hint="a CSR brings its own key"
        )
    content = files.read(arguments.csr, "request", at_most=MAXIMUM_CSR_BYTES)
    try:
        return accept_csr(content, arguments.name).public_key
    except CsrError as error:
        raise CsrError(f"{arguments.csr}: {error}", hint=error.hint) from error


def _describe(
    provisioned: Provisioned, environment: str, folder: ClientFolder
) -> dict[str, object]:
    record = provisioned.record
    key = str(folder.path(PRIVATE_KEY)) if provisioned.has_private_key else None
    return {
        "client_id": record.client_id,
        "environment": environment,
        "fingerprint": record.fingerprint,
        "serial_number": record.serial_number,
        "issuer": record.issuer,
        "not_before": timestamp(record.not_before),
        "not_after": timestamp(record.not_after),
        "scopes": sorted(record.scopes),
        "cognito_client_id": record.cognito_client_id,
        "files": {
            "certificate": str(folder.path(CERTIFICATE)),
            "private_key": key,
            "chain": str(folder.path(CHAIN)),
        },
        "resumed": provisioned.resumed,
    }
