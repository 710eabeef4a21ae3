"""A certificate enters its environment's registry: who may have one more, and what is written.

What is decided here is decided on the client as it was seen; the registry refuses to write when it
was changed meanwhile, and then it is seen, and decided on, again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, Self

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from clientcert import RegistryRecord, Status, fingerprint
from pki.errors import ActiveCertificateError, ConcurrentChangeError, KeyReusedError, RegistryError
from pki.issuing import Signed
from pki.keys import PublicKey, public_key_sha256, supported
from pki.profiles import CLIENT
from pki.registry import ClientState

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Renewal:
    """Which certificate a new one replaces.

    Attributes:
        fingerprint: the certificate that is renewed.
        overlap: how long it may still be used once the new one is registered.
    """

    fingerprint: str
    overlap: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a certificate is registered with.

    Attributes:
        client_id: the device's name.
        scopes: OAuth scopes that it may ask for.
        cognito_client_id: the app client that its tokens are issued to.
        issued_at: when it was drafted.
        renewal: what it renews, or None.
        additional: whether it may stand beside another active certificate of the client.
    """

    client_id: str
    scopes: frozenset[str]
    cognito_client_id: str
    issued_at: datetime
    renewal: Renewal | None = None
    additional: bool = False

    def to_document(self) -> dict[str, Any]:
        """The grant in JSON's types, to be written down before anything is signed."""
        renewal = self.renewal
        return {
            "client_id": self.client_id,
            "scopes": sorted(self.scopes),
            "cognito_client_id": self.cognito_client_id,
            "issued_at": self.issued_at.isoformat(),
            "renews": None if renewal is None else renewal.fingerprint,
            "overlap_seconds": None if renewal is None else renewal.overlap.total_seconds(),
            "additional": self.additional,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_document` wrote.

        Raises:
            KeyError, TypeError, ValueError: it is not such a document.
        """
        renews = document["renews"]
        overlap = timedelta(seconds=document["overlap_seconds"] or 0)
        return cls(
            client_id=document["client_id"],
            scopes=frozenset(document["scopes"]),
            cognito_client_id=document["cognito_client_id"],
            issued_at=datetime.fromisoformat(document["issued_at"]),
            renewal=None if renews is None else Renewal(renews, overlap),
            additional=document["additional"],
        )


class ClientRegistry(Protocol):
    """What registering needs of :class:`pki.registry.Registry`, which has the words."""

    def client(self, client_id: str) -> ClientState:
        """Every certificate of a client, read consistently."""
        ...

    def find(self, fingerprint: str) -> RegistryRecord | None:
        """The certificate's record, read consistently; None when there is none."""
        ...

    def owner_of_key(self, public_key_sha256: str) -> str | None:
        """Fingerprint of the certificate that has, or had, a public key."""
        ...

    def add(
        self,
        record: RegistryRecord,
        public_key_sha256: str,
        seen: ClientState,
        *,
        retire_at: datetime | None = None,
        signature_request_id: str | None = None,
        certificate_der: bytes | None = None,
    ) -> None:
        """Write a new certificate; adding the same one again is no error."""
        ...


def require_admissible(grant: Grant, seen: ClientState, now: datetime) -> None:
    """Refuse a certificate that the client may not have now.

    Raises:
        ActiveCertificateError: it has an active one, and no other was meant.
        RegistryError: what is to be renewed cannot be.
    """
    if grant.renewal is not None:
        _require_renewable(grant.renewal, seen, now)
        return
    if grant.additional:
        return
    for record in seen.records:
        if record.is_usable(now):
            raise ActiveCertificateError(
                f"{grant.client_id} has an active certificate until {record.not_after:%Y-%m-%d}, "
                f"fingerprint {record.fingerprint}",
                hint="renew it (renew-client), give the client a second one (--additional), or "
                "revoke this one first",
            )


def require_new_key(registry: ClientRegistry, key: PublicKey) -> None:
    """Refuse a key that any certificate has, or had: one that was given up as compromised, too.

    Raises:
        KeyReusedError: it is known.
    """
    owner = registry.owner_of_key(public_key_sha256(key))
    if owner is not None:
        record = registry.find(owner)
        raise key_reused("another client" if record is None else record.client_id)


def key_reused(client_id: str) -> KeyReusedError:
    """The refusal of a key that a certificate of this client has, or had."""
    return KeyReusedError(
        f"{client_id} already has, or had, a certificate for this key",
        hint="every certificate gets a key of its own: make a new key and request",
    )


def retirement(grant: Grant, seen: ClientState, now: datetime) -> datetime | None:
    """When the renewed certificate retires: a second renewal of it postpones nothing."""
    if grant.renewal is None:
        return None
    ends = [
        record.usable_until
        for record in seen.records
        if record.fingerprint == grant.renewal.fingerprint
    ]
    return min([now + grant.renewal.overlap, *ends])


def register(
    registry: ClientRegistry, signed: Signed, grant: Grant, seen: ClientState, now: datetime
) -> RegistryRecord:
    """Enter a certificate, or find that it was entered before.

    Args:
        registry: the environment's.
        signed: the certificate.
        grant: what it is registered with.
        seen: the client as it was read last.
        now: the clock, UTC.

    Returns:
        Its record.

    Raises:
        ActiveCertificateError: the client has an active certificate, and no other was meant.
        KeyReusedError: a certificate has, or had, its key.
        ConcurrentChangeError: somebody else keeps changing the client.
        RegistryError: the registry refused.
    """
    record = record_of(signed.certificate, grant)
    key = public_key_sha256(supported(signed.certificate.public_key(), CLIENT.key_types))
    for attempt in range(_ATTEMPTS):
        if any(known.fingerprint == record.fingerprint for known in seen.records):
            return record
        require_admissible(grant, seen, now)
        try:
            registry.add(
                record,
                key,
                seen,
                retire_at=retirement(grant, seen, now),
                signature_request_id=signed.signature_request_id,
                certificate_der=signed.certificate.public_bytes(Encoding.DER),
            )
        except ConcurrentChangeError:
            if attempt == _ATTEMPTS - 1:
                raise
            seen = registry.client(grant.client_id)
        else:
            break
    return record


def record_of(certificate: x509.Certificate, grant: Grant) -> RegistryRecord:
    """The record of a new certificate."""
    return RegistryRecord(
        fingerprint=fingerprint(certificate.public_bytes(Encoding.DER)),
        client_id=grant.client_id,
        serial_number=str(certificate.serial_number),
        issuer=certificate.issuer.rfc4514_string(),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        status=Status.ACTIVE,
        scopes=grant.scopes,
        cognito_client_id=grant.cognito_client_id,
        issued_at=grant.issued_at.replace(microsecond=0),
        renewed_from=None if grant.renewal is None else grant.renewal.fingerprint,
    )


def _require_renewable(renewal: Renewal, seen: ClientState, now: datetime) -> None:
    for record in seen.records:
        if record.fingerprint == renewal.fingerprint:
            if record.is_usable(now):
                return
            raise RegistryError(
                f"the certificate {renewal.fingerprint} of {seen.client_id} cannot be renewed: it "
                "is revoked, retired or expired",
                hint="a client without an active certificate is provisioned: provision-client",
            )
    raise RegistryError(
        f"{seen.client_id} has no certificate {renewal.fingerprint}",
        hint="its certificates: show-client",
    )
