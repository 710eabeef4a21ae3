"""Certificate profiles: what each kind of certificate is, in one place (RFC 5280, section 4.2)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pki.errors import IssuanceError, UsageError
from pki.keys import KeyType, PublicKey

BACKDATING = timedelta(minutes=5)
"""How far validity starts in the past, so that a device whose clock is slow is not refused."""

MAXIMUM_CLIENT_LIFETIME = timedelta(days=365)

_ONE_SECOND = timedelta(seconds=1)
_CA_KEYS = frozenset({KeyType.RSA_4096, KeyType.RSA_2048, KeyType.EC_P384, KeyType.EC_P256})


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of certificate.

    Attributes:
        identifier: how documents call it.
        name: how messages call one, article included.
        maximum_lifetime: longest validity, both ends included (RFC 5280, section 4.1.2.5).
        path_length: how many CAs may follow below; None for a certificate that is no CA.
        key_types: the subject keys it allows.
    """

    identifier: str
    name: str
    maximum_lifetime: timedelta
    path_length: int | None
    key_types: frozenset[KeyType]

    @property
    def is_ca(self) -> bool:
        """Whether its subject may issue certificates."""
        return self.path_length is not None

    def validity(self, now: datetime, lifetime: timedelta | None = None) -> "Validity":
        """Backdated start, and the end that many days later, both included.

        Raises:
            IssuanceError: the lifetime is not positive, or longer than the profile allows.
        """
        span = self.maximum_lifetime if lifetime is None else lifetime
        if not timedelta(0) < span <= self.maximum_lifetime:
            raise IssuanceError(
                f"{self.name} is valid for 1 to {self.maximum_lifetime.days} days, not {span.days}",
                hint=f"ask for at most {self.maximum_lifetime.days} days",
            )
        start = now.replace(microsecond=0) - BACKDATING
        return Validity(start, start + span - _ONE_SECOND)

    def extensions(
        self,
        subject_key: PublicKey,
        issuer_key: PublicKey,
        alternative_names: Sequence[x509.GeneralName] = (),
    ) -> Iterator[tuple[x509.ExtensionType, bool]]:
        """The extensions, each with its criticality."""
        yield x509.BasicConstraints(ca=self.is_ca, path_length=self.path_length), True
        yield self._key_usage(), True
        if not self.is_ca:
            yield x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False
        if alternative_names:
            yield x509.SubjectAlternativeName(alternative_names), False
        yield x509.SubjectKeyIdentifier.from_public_key(subject_key), False
        yield x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), False

    def _key_usage(self) -> x509.KeyUsage:
        return x509.KeyUsage(
            digital_signature=not self.is_ca,
            key_cert_sign=self.is_ca,
            crl_sign=self.is_ca,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )


@dataclass(frozen=True, slots=True)
class Validity:
    """From when to when, both included, UTC."""

    not_before: datetime
    not_after: datetime


ROOT = Profile("root", "a root CA", timedelta(days=3652), path_length=1, key_types=_CA_KEYS)
"""Ten years."""

ISSUING = Profile(
    "issuing-ca", "an issuing CA", timedelta(days=1826), path_length=0, key_types=_CA_KEYS
)
"""Five years."""

CLIENT = Profile(
    "client",
    "a client certificate",
    MAXIMUM_CLIENT_LIFETIME,
    path_length=None,
    key_types=frozenset(KeyType),
)

BY_IDENTIFIER = {profile.identifier: profile for profile in (ROOT, ISSUING, CLIENT)}


def ca_name(organization: str, common_name: str) -> x509.Name:
    """A CA's subject: organisation and common name, generation included."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def client_name(client_id: str) -> x509.Name:
    """A device's subject: its name and nothing else."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, client_id)])


_URI = re.compile(r"[a-z][a-z0-9+.-]*:[\x21-\x7e]{1,500}")
_DNS_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?"
_DNS = re.compile(rf"(?=.{{1,253}}$){_DNS_LABEL}(\.{_DNS_LABEL})+")


def parse_name(text: str) -> x509.GeneralName:
    """A subject alternative name as it is written: ``URI:spiffe://...`` or ``DNS:host.example``.

    Raises:
        UsageError: another kind, or no absolute URI (RFC 3986) or lower-case host name.
    """
    kind, _, value = text.partition(":")
    if kind == "URI" and _URI.fullmatch(value):
        return x509.UniformResourceIdentifier(value)
    if kind == "DNS" and _DNS.fullmatch(value):
        return x509.DNSName(value)
    raise UsageError(
        f"{text!r} is no subject alternative name",
        hint="write URI:spiffe://example.com/device-001 or DNS:device-001.example.com",
    )


def name_to_text(name: x509.GeneralName) -> str:
    """The opposite of :func:`parse_name`.

    Raises:
        IssuanceError: a kind that no certificate gets.
    """
    match name:
        case x509.UniformResourceIdentifier():
            return f"URI:{name.value}"
        case x509.DNSName():
            return f"DNS:{name.value}"
    raise IssuanceError(f"no certificate gets an alternative name of kind {type(name).__name__}")
