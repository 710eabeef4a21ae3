"""Renewal: from a presented certificate and a request to the next certificate of one device."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from clientcert import (
    RegistryRecord,
    UnusableCertificateError,
    fingerprint,
    usable_record,
)
from mtls_issuer.policy import RenewalPolicy
from mtls_issuer.refusal import Refusal, RefusedError
from mtls_issuer.request import RenewalRequest
from pki.errors import ConcurrentChangeError, KeyReusedError
from pki.issuing import (
    CertificateAuthority,
    IssuerFacts,
    Signed,
    draft_client,
    sign,
    was_issued_by,
)
from pki.pem import MALFORMED
from pki.registration import Grant, Renewal, record_of, retirement
from pki.registry import ClientState, Registry

_ATTEMPTS = 3
"""How often a renewal is judged anew when somebody else changes the client meanwhile."""


@dataclass(frozen=True, slots=True)
class Renewed:
    """A renewal's outcome.

    Attributes:
        certificate: the new certificate.
        record: its record in the registry.
        signature_request_id: what the key keeper's log calls the signature.
        repeated: whether it had been issued before, for the same request.
    """

    certificate: x509.Certificate
    record: RegistryRecord
    signature_request_id: str | None
    repeated: bool


class Renewals:
    """Renews certificates of one environment; all that it needs is handed in."""

    def __init__(
        self,
        *,
        policy: RenewalPolicy,
        registry: Registry,
        own_issuers: Callable[[], tuple[x509.Certificate, ...]],
        authority: Callable[[], CertificateAuthority],
        now: Callable[[], datetime],
        discarded: Callable[[Signed], None],
    ) -> None:
        """Keep the collaborators.

        Args:
            policy: who may renew what.
            registry: the environment's.
            own_issuers: every issuing CA of the environment.
            authority: the CA that issues now.
            now: tells the time, UTC.
            discarded: told of a signed certificate that was not registered, and gets nowhere.
        """
        self._policy = policy
        self._registry = registry
        self._own_issuers = own_issuers
        self._authority = authority
        self._now = now
        self._discarded = discarded

    def renew(self, presented_der: bytes, request_der: bytes) -> Renewed:
        """Issue the next certificate, once: the same request again gives the same certificate.

        Nothing is registered before it is signed, and it is registered, with the end of its
        predecessor, in one transaction: an interrupted renewal leaves a certificate that no one
        has and the registry does not know.

        Raises:
            RefusedError: it is not renewed.
            ConcurrentChangeError: others kept changing this client.
            PkiError: the CA cannot issue now.
        """
        presented = _load(presented_der)
        for attempt in range(1, _ATTEMPTS + 1):
            record = self._usable(fingerprint(presented_der))
            self._require_own(presented)
            request = RenewalRequest.read(request_der, presented, record.client_id)
            if (before := self._issued_before(record, request)) is not None:
                return before
            seen = self._registry.client(record.client_id)
            self._require_allowed(record, request, seen)
            signed = self._sign(record, request)
            try:
                return self._register(record, request, seen, signed)
            except (ConcurrentChangeError, KeyReusedError):
                self._discarded(signed)
                if attempt == _ATTEMPTS:
                    raise
        raise AssertionError("the last attempt raises")

    def _usable(self, presented: str) -> RegistryRecord:
        try:
            return usable_record(self._registry.find, presented, self._now().timestamp())
        except UnusableCertificateError as unusable:
            raise RefusedError(Refusal(unusable.reason.value)) from None

    def _require_own(self, presented: x509.Certificate) -> None:
        """The registry says so too, but it is the workload account's, and this one signs."""
        if not any(was_issued_by(presented, issuer) for issuer in self._own_issuers()):
            raise RefusedError(Refusal.CERTIFICATE_OF_ANOTHER_ISSUER)

    def _issued_before(self, record: RegistryRecord, request: RenewalRequest) -> Renewed | None:
        """What this very request gave before, when its answer was lost on the way."""
        owner = self._registry.owner_of_key(request.public_key_sha256)
        if owner is None:
            return None
        stored = self._registry.stored(owner)
        if stored is not None and stored.record.renewed_from == record.fingerprint:
            der = stored.certificate_der
            if der is not None and stored.record.is_usable(self._now()):
                return Renewed(
                    x509.load_der_x509_certificate(der),
                    stored.record,
                    stored.signature_request_id,
                    repeated=True,
                )
        raise RefusedError(
            Refusal.KEY_REUSED,
            "a certificate has, or had, this key: make a new key and a new request",
        )

    def _require_allowed(
        self, record: RegistryRecord, request: RenewalRequest, seen: ClientState
    ) -> None:
        policy = self._policy
        if not policy.allows(record.client_id):
            raise RefusedError(
                Refusal.RENEWAL_NOT_ALLOWED,
                "this client may not renew its certificate by itself: ask its operator",
            )
        if any(other.renewed_from == record.fingerprint for other in seen.records):
            raise RefusedError(
                Refusal.ALREADY_RENEWED,
                "this certificate was renewed already: use the certificate that was issued then; "
                "if its key is lost, ask the operator",
            )
        opens_at = policy.opens_at(record.not_after)
        if self._now() < opens_at:
            raise RefusedError(
                Refusal.RENEWAL_TOO_EARLY,
                f"this certificate may be renewed from {opens_at:%Y-%m-%dT%H:%M:%SZ} on",
            )
        if request.key_type not in policy.key_types:
            allowed = ", ".join(sorted(policy.key_types))
            raise RefusedError(
                Refusal.KEY_NOT_ALLOWED, f"a key of type {request.key_type}; allowed: {allowed}"
            )

    def _sign(self, record: RegistryRecord, request: RenewalRequest) -> Signed:
        authority, now = self._authority(), self._now()
        draft = draft_client(
            IssuerFacts.of(authority.certificate),
            request.public_key,
            record.client_id,
            self._policy.lifetime,
            now,
            request.alternative_names,
        )
        return sign(draft, authority.signer, now)

    def _register(
        self, record: RegistryRecord, request: RenewalRequest, seen: ClientState, signed: Signed
    ) -> Renewed:
        now = self._now().replace(microsecond=0)
        grant = Grant(
            client_id=record.client_id,
            scopes=record.scopes,
            cognito_client_id=record.cognito_client_id,
            issued_at=now,
            renewal=Renewal(record.fingerprint, self._policy.overlap),
        )
        successor = record_of(signed.certificate, grant)
        self._registry.add(
            successor,
            request.public_key_sha256,
            seen,
            retire_at=retirement(grant, seen, now),
            signature_request_id=signed.signature_request_id,
            certificate_der=signed.certificate.public_bytes(Encoding.DER),
        )
        return Renewed(signed.certificate, successor, signed.signature_request_id, repeated=False)


def _load(der: bytes) -> x509.Certificate:
    try:
        certificate = x509.load_der_x509_certificate(der)
        # Read lazily: what is malformed in there shows now or never.
        _ = (certificate.subject, certificate.extensions)
    except MALFORMED:
        raise RefusedError(Refusal.CERTIFICATE_MALFORMED) from None
    return certificate
