"""What the commands that issue client certificates share: options, and who they ask."""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from cryptography import x509

from pki import console, files
from pki.bulk.requests import CLIENT_KEY_TYPES
from pki.ca_store import CaStore
from pki.client_terms import parse_days
from pki.commands.access import Access
from pki.console import Output, argument, choice, timestamp
from pki.csr import MAXIMUM_CSR_BYTES, parse_alternative_names
from pki.delivery import BUNDLE, CERTIFICATE, CHAIN, PRIVATE_KEY, ClientFolder
from pki.domain import DomainName
from pki.errors import CsrError
from pki.issuing import CertificateAuthority
from pki.keepers import Keepers
from pki.organization import Environment, parse_generation
from pki.packaging import (
    MINIMUM_PASSPHRASE,
    PASSPHRASE_VARIABLE,
    Format,
    Packaging,
    ask_at_terminal,
    read_passphrase,
)
from pki.profiles import MAXIMUM_CLIENT_LIFETIME
from pki.provisioning import Provisioned, Provisioning
from pki.registry import Registry
from pki.rotation import issuing_authority
from pki.truststore_bucket import TruststoreBucket

CONNECTIONS = 16
"""How many requests are under way at once in a bulk run."""


@dataclass(frozen=True, slots=True)
class Issuance:
    """An environment's issuing CA and registry, and a session in the environment's account."""

    environment: Environment
    issuer: CertificateAuthority
    root: x509.Certificate
    registry: Registry
    writer: boto3.Session

    @classmethod
    def connect(cls, arguments: argparse.Namespace) -> "Issuance":
        """Take the roles that lead there, and choose the CA that issues now."""
        access = Access.take(arguments)
        organization, environment = access.organization, access.environment
        ceremony, writer = access.ceremony, access.writer()
        store = CaStore(ceremony.client("s3"), organization)
        authority = issuing_authority(
            store,
            TruststoreBucket(writer.client("s3"), environment),
            DomainName(writer.client("apigatewayv2"), organization.api_domain_name(environment)),
            environment.name,
            arguments.generation,
        )
        signer = Keepers(ceremony, organization).signer_of(authority)
        issuer = CertificateAuthority(store.get(authority), signer)
        many = Config(max_pool_connections=CONNECTIONS)
        registry = Registry(writer.client("dynamodb", config=many), environment)
        return cls(environment, issuer, store.root_of(issuer.certificate), registry, writer)

    def provisioning(
        self, folder: ClientFolder, packaging: Packaging, output: Output
    ) -> Provisioning:
        """The collaborators of one certificate."""
        return Provisioning(
            issuer=self.issuer,
            root=self.root,
            registry=self.registry,
            folder=folder,
            progress=output,
            now=console.now,
            packaging=packaging,
        )


def add_key_type(parser: argparse.ArgumentParser, condition: str) -> None:
    """The type of a key that is made here."""
    parser.add_argument(
        "--key-type",
        type=choice(CLIENT_KEY_TYPES),
        metavar="TYPE",
        help=f"{condition}: {', '.join(CLIENT_KEY_TYPES)} (default: {CLIENT_KEY_TYPES[0]})",
    )


def add_validity(parser: argparse.ArgumentParser) -> None:
    """How long, and by which CA."""
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
        help="the issuing CA's generation (default: the newest that the domain trusts)",
    )


def add_names(parser: argparse.ArgumentParser, default: str) -> None:
    """Subject alternative names."""
    parser.add_argument(
        "--san",
        action="append",
        metavar="NAME",
        help="a subject alternative name that it is granted, URI:spiffe://example.com/device-001 "
        f"or DNS:device-001.example.com; may be repeated (default: {default})",
    )


def add_packaging(parser: argparse.ArgumentParser) -> None:
    """How the certificate is handed over."""
    group = parser.add_argument_group("output")
    group.add_argument(
        "--output-dir",
        type=Path,
        metavar="DIR",
        help="where the files go",
    )
    group.add_argument(
        "--force", action="store_true", help="replace files that exist in the client's folder"
    )
    group.add_argument(
        "--format",
        type=choice(list(Format)),
        default=Format.PEM,
        metavar="FORMAT",
        help=f"pem: {PRIVATE_KEY}; pkcs12: {BUNDLE}, which holds key, certificate and chain "
        "(default: %(default)s)",
    )
    group.add_argument(
        "--legacy",
        action="store_true",
        help="with pkcs12: 3DES and SHA-1, for macOS before 15 and Windows before 10 1709, which "
        "read nothing stronger",
    )
    group.add_argument(
        "--encrypt-key",
        action="store_true",
        help=f"with pem: encrypt {PRIVATE_KEY} with a passphrase (pkcs12 always does)",
    )
    group.add_argument(
        "--passphrase-file",
        type=Path,
        metavar="FILE",
        help=f"holds the passphrase, {MINIMUM_PASSPHRASE} characters or more (default: "
        f"${PASSPHRASE_VARIABLE}, else asked for)",
    )


def packaging_of(arguments: argparse.Namespace, *, with_key: bool) -> Packaging:
    """How files are made; asks for the passphrase where one is needed.

    Raises:
        UsageError: there is no passphrase, or it is too short.
        FileError: its file cannot be read.
    """
    wanted = arguments.encrypt_key or arguments.passphrase_file is not None
    passphrase = None
    if wanted or (with_key and arguments.format is Format.PKCS12):
        passphrase = read_passphrase(arguments.passphrase_file, ask=ask_at_terminal())
    return Packaging(format=arguments.format, passphrase=passphrase, legacy=arguments.legacy)


def names_of(arguments: argparse.Namespace) -> tuple[x509.GeneralName, ...] | None:
    """The alternative names that were given; None when none was.

    Raises:
        UsageError: one cannot be read.
    """
    return None if arguments.san is None else parse_alternative_names(arguments.san)


def read_request(path: Path) -> bytes:
    """A certificate signing request's file.

    Raises:
        FileError: it cannot be read.
    """
    return files.read(path, "request", at_most=MAXIMUM_CSR_BYTES)


@contextmanager
def naming(path: Path | None) -> Iterator[None]:
    """Say of which file it is that a request is refused."""
    try:
        yield
    except CsrError as error:
        if path is None:
            raise
        raise CsrError(f"{path}: {error}", hint=error.hint) from error


def describe(
    provisioned: Provisioned, environment: str, folder: ClientFolder, packaging: Packaging
) -> dict[str, Any]:
    """A new certificate as data."""
    record = provisioned.record
    written: Sequence[str] = packaging.names(with_key=provisioned.has_private_key)

    def path(name: str) -> str | None:
        return str(folder.path(name)) if name in written else None

    described: dict[str, Any] = {
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
            "certificate": path(CERTIFICATE),
            "private_key": path(PRIVATE_KEY),
            "chain": path(CHAIN),
        },
        "resumed": provisioned.resumed,
    }
    if packaging.format is Format.PKCS12:
        described["files"]["pkcs12"] = path(BUNDLE)
    return described
