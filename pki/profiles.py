"""Certificate profiles: what each kind of certificate is, in one place (RFC 5280, section 4.2)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pki.errors import IssuanceError
from pki.keys import KeyType, PublicKey

BACKDATING = timedelta(minutes=5)
"""How far validity starts in the past, so that a device whose clock is slow is not refused."""

MAXIMUM_CLIENT_LIFETIME = timedelta(days=365)

_ONE_SECOND = timedelta(seconds=1)
_CA_KEYS = frozenset({KeyType.RSA_4096, KeyType.EC_P384, KeyType.EC_P256})


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of certificate.

    Attributes:
        name: how messages call one, article included.
        maximum_lifetime: longest validity, both ends included (RFC 5280, section 4.1.2.5).
        path_length: how many CAs may follow below; None for a certificate that is no CA.
        key_types: the subject keys it allows.
    """

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
        self, subject_key: PublicKey, issuer_key: PublicKey
    ) -> Iterator[tuple[x509.ExtensionType, bool]]:
        """The extensions, each with its criticality."""
        yield x509.BasicConstraints(ca=self.is_ca, path_length=self.path_length), True
        yield self._key_usage(), True
        if not self.is_ca:
            yield x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False
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


ROOT = Profile("a root CA", timedelta(days=3652), path_length=1, key_types=_CA_KEYS)
"""Ten years."""

ISSUING = Profile("an issuing CA", timedelta(days=1826), path_length=0, key_types=_CA_KEYS)
"""Five years."""

CLIENT = Profile(
    "a client certificate", MAXIMUM_CLIENT_LIFETIME, path_length=None, key_types=frozenset(KeyType)
)


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
