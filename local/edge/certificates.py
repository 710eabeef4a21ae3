"""The edge's own server certificates: a local CA, and one certificate per domain name.

AWS would use the domain's ACM certificate. Here clients are given ``server-ca.pem`` to trust.
"""

import datetime as dt
import fcntl
import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from local.edge.errors import StateError

CA_CERTIFICATE = "server-ca.pem"
CA_KEY = "server-ca.key"
DOMAINS = "domains"

_CA_LIFE = dt.timedelta(days=3650)
_LIFE = dt.timedelta(days=397)
_RENEW_BEFORE_END = dt.timedelta(days=30)
_BACKDATE = dt.timedelta(minutes=5)

_DOMAIN = re.compile(r"(?:\*\.)?[a-z0-9_](?:[a-z0-9_-]*\.)*[a-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class ServerIdentity:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


class ServerCertificates:
    """Server certificates in a directory, made when first needed and used again afterwards."""

    def __init__(self, directory: Path, clock: Callable[[], dt.datetime]) -> None:
        """Open the directory, making it and its CA when there is none.

        Args:
            directory: Where ``server-ca.pem``, the keys (mode 0600) and the certificates are.
            clock: The time, aware.

        Raises:
            StateError: The directory cannot be used, or what is in it is damaged or expired.
        """
        self._directory = directory
        self._clock = clock
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            (directory / DOMAINS).mkdir(exist_ok=True, mode=0o700)
            with self._locked():
                self._ca = self._load(CA_CERTIFICATE, CA_KEY) or self._make_ca()
        except OSError as error:
            raise StateError(
                f"cannot use the state directory {directory}: {error.strerror}",
                hint="give another --state-dir",
            ) from error
        if self._clock() > self._ca.certificate.not_valid_after_utc:
            raise StateError(
                f"the server CA in {directory} has expired",
                hint=f"remove {CA_CERTIFICATE} and {CA_KEY}; clients then need the new one",
            )

    @property
    def ca_path(self) -> Path:
        """The CA certificate that clients need, in PEM."""
        return self._directory / CA_CERTIFICATE

    @property
    def ca(self) -> x509.Certificate:
        """The CA's certificate."""
        return self._ca.certificate

    def identity(self, domain: str) -> ServerIdentity:
        """Return a domain's certificate, making one when there is none that can still be used.

        Args:
            domain: A DNS name in lower case, ``*.`` allowed in front.

        Raises:
            StateError: The name is no DNS name, or the files cannot be read or written.
        """
        if _DOMAIN.fullmatch(domain) is None or ".." in domain:
            raise StateError(f"not a domain name: {domain!r}")
        # In a directory of their own: no domain's name can be that of the CA's files.
        stem = f"{DOMAINS}/{domain.replace('*', '_wildcard')}"
        try:
            with self._locked():
                found = self._load(f"{stem}.pem", f"{stem}.key")
                if found is not None and self._usable(found):
                    return found
                return self._make_server(domain, stem)
        except OSError as error:
            raise StateError(f"cannot keep a certificate for {domain}: {error.strerror}") from error

    def _usable(self, found: ServerIdentity) -> bool:
        issued_here = found.certificate.issuer == self._ca.certificate.subject
        fresh = self._clock() + _RENEW_BEFORE_END < found.certificate.not_valid_after_utc
        return issued_here and fresh

    def _make_ca(self) -> ServerIdentity:
        key = ec.generate_private_key(ec.SECP256R1())
        # A name of its own for each CA: a client that trusts an older one gets a clear error.
        name = _name(f"mTLS edge server CA {secrets.token_hex(4)}")
        builder = (
            self._builder(name, key, _CA_LIFE)
            .issuer_name(name)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(ca=True), critical=True)
        )
        return self._keep(CA_CERTIFICATE, CA_KEY, builder.sign(key, hashes.SHA256()), key)

    def _make_server(self, domain: str, stem: str) -> ServerIdentity:
        key = ec.generate_private_key(ec.SECP256R1())
        ca = self._ca.certificate
        ski = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        builder = (
            self._builder(_name(domain), key, _LIFE)
            .issuer_name(ca.subject)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(ca=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(domain)]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ski), critical=False
            )
        )
        certificate = builder.sign(self._ca.key, hashes.SHA256())
        return self._keep(f"{stem}.pem", f"{stem}.key", certificate, key)

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, life: dt.timedelta
    ) -> x509.CertificateBuilder:
        now = self._clock()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _BACKDATE)
            .not_valid_after(now + life)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
        )

    def _keep(
        self,
        certificate_name: str,
        key_name: str,
        certificate: x509.Certificate,
        key: ec.EllipticCurvePrivateKey,
    ) -> ServerIdentity:
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        # The key first: a certificate without its key would be unusable.
        _write(self._directory / key_name, pem, 0o600)
        _write(self._directory / certificate_name, certificate.public_bytes(Encoding.PEM), 0o644)
        return ServerIdentity(certificate, key)

    def _load(self, certificate_name: str, key_name: str) -> ServerIdentity | None:
        path = self._directory / certificate_name
        if not path.exists():
            return None
        hint = f"remove {certificate_name} and {key_name} to have them made anew"
        try:
            certificate = x509.load_pem_x509_certificate(path.read_bytes())
            key = load_pem_private_key((self._directory / key_name).read_bytes(), None)
        except (FileNotFoundError, ValueError) as error:
            raise StateError(f"{path} or its key is missing or damaged", hint=hint) from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or (
            key.public_key() != certificate.public_key()
        ):
            raise StateError(f"{path} does not belong to {key_name}", hint=hint)
        return ServerIdentity(certificate, key)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        # Two edges may share the directory.
        with (self._directory / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])])


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _write(path: Path, content: bytes, mode: int) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    temporary.replace(path)
