"""Certificate revocation lists (RFC 5280, section 5): what other relying parties go by.

Our own functions ask the registry at each call and need no list. One list for each generation of
an issuing CA, complete, version 2. It holds what the registry calls revoked, and what a renewal has
replaced, as ``superseded``: whatever our functions refuse before its end stands on it.

Nothing here talks to AWS; the signer may.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from clientcert import RegistryRecord, RevocationReason, Status
from pki import pem
from pki.errors import CrlError
from pki.issuing import CertificateAuthority
from pki.keys import signature_hash
from pki.profiles import BACKDATING
from pki.signer import Witness, signing_key

VALIDITY = timedelta(hours=24)
"""From ``thisUpdate`` to ``nextUpdate``: a day in which a publication that fails can be mended."""

RENEWED_BEFORE = VALIDITY / 2
"""An unchanged list is signed again when it has less left than this."""


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """A certificate that may not be used any more.

    Attributes:
        serial_number: the certificate's.
        revoked_at: from when on, UTC, to the second.
        reason: RFC 5280 name; ``unspecified`` is left out of the list (section 5.3.1).
    """

    serial_number: int
    revoked_at: datetime
    reason: RevocationReason


@dataclass(frozen=True, slots=True)
class Crl:
    """A list and what it says.

    Attributes:
        signed: the list itself.
        number: counts the issuer's lists (CRLNumber).
        entries: in order of their serial numbers.
    """

    signed: x509.CertificateRevocationList
    number: int
    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, signed: x509.CertificateRevocationList, issuer: x509.Certificate) -> Self:
        """Read a list of an issuing CA.

        Raises:
            CrlError: another issuer's, not signed by it, or not a list that we would have made.
        """
        name = issuer.subject.rfc4514_string()
        try:
            genuine = signed.issuer == issuer.subject and signed.is_signature_valid(
                issuer.public_key()  # type: ignore[arg-type]
            )
            number = signed.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
            entries = tuple(sorted(map(_read_entry, signed)))
        except (x509.ExtensionNotFound, TypeError, *pem.MALFORMED) as error:
            raise CrlError(f"the list of {name} is malformed: {error}") from error
        if not genuine:
            raise CrlError(
                f"the list is not one that {name} signed",
                hint="find out who wrote it; an earlier version of the object may be genuine",
            )
        if signed.next_update_utc is None:
            raise CrlError(f"the list of {name} does not say when the next one comes")
        return cls(signed, number, entries)

    @classmethod
    def from_der(cls, der: bytes, issuer: x509.Certificate) -> Self:
        """Read a list from DER, as :meth:`of`."""
        try:
            signed = x509.load_der_x509_crl(der)
        except pem.MALFORMED as error:
            raise CrlError("this is no certificate revocation list in DER") from error
        return cls.of(signed, issuer)

    @property
    def this_update(self) -> datetime:
        """From when it holds, UTC."""
        return self.signed.last_update_utc

    @property
    def next_update(self) -> datetime:
        """By when the next one comes, UTC."""
        moment = self.signed.next_update_utc
        if moment is None:
            raise CrlError("the list does not say when the next one comes")
        return moment

    @property
    def der(self) -> bytes:
        """The list in DER."""
        return self.signed.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        """The list in PEM."""
        return self.signed.public_bytes(Encoding.PEM)

    def still_says(self, entries: tuple[Entry, ...], now: datetime) -> bool:
        """Whether it says just this, and will for long enough."""
        return self.entries == entries and self.next_update - now >= RENEWED_BEFORE


@dataclass(frozen=True, slots=True)
class SignedCrl:
    """A new list.

    Attributes:
        crl: its signature is verified.
        signature_request_id: what the keeper's log calls the signature; None where there is none.
    """

    crl: Crl
    signature_request_id: str | None


def entries_of(
    issuer: x509.Certificate, records: Iterable[RegistryRecord], previous: Crl | None, now: datetime
) -> tuple[Entry, ...]:
    """What belongs on an issuer's list now.

    An expired certificate stays on it until it has stood on a list that was made after its end
    (RFC 5280, section 3.3), and a list's validity longer.

    Args:
        issuer: the issuing CA.
        records: the registry of its environment.
        previous: the list that is published now.
        now: the clock, UTC.
    """
    name = issuer.subject.rfc4514_string()
    kept_since = None if previous is None else min(previous.this_update, now - VALIDITY)
    found = (
        _entry(record, now)
        for record in records
        if record.issuer == name and (kept_since is None or record.not_after >= kept_since)
    )
    return tuple(sorted(entry for entry in found if entry is not None))


def sign_crl(
    issuer: CertificateAuthority, entries: tuple[Entry, ...], number: int, now: datetime
) -> SignedCrl:
    """Make and sign a list.

    It begins a little in the past, as certificates do, for relying parties whose clocks are slow,
    and ends with its issuer at the latest.

    Raises:
        CrlError: the issuer is not valid now, or the signature is wrong.
        KeyKeeperError: the keeper will not sign.
    """
    certificate = issuer.certificate
    name = certificate.subject.rfc4514_string()
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise CrlError(f"{name} is not valid now, and what it signs is worth nothing")
    this_update = now.replace(microsecond=0)
    builder = x509.CertificateRevocationListBuilder(
        issuer_name=certificate.subject,
        last_update=max(this_update - BACKDATING, certificate.not_valid_before_utc),
        next_update=min(this_update + VALIDITY, certificate.not_valid_after_utc),
        # In one go: the builder copies its list at each single addition.
        revoked_certificates=[_write_entry(entry) for entry in entries],
    )
    public_key = issuer.signer.public_key()
    for extension in (
        x509.AuthorityKeyIdentifier.from_issuer_public_key(public_key),
        x509.CRLNumber(number),
    ):
        builder = builder.add_extension(extension, critical=False)
    witness = Witness(issuer.signer)
    signed = builder.sign(signing_key(witness), signature_hash(public_key))
    crl = Crl.of(signed, certificate)
    if (crl.number, crl.entries) != (number, entries):
        raise CrlError(f"the list of {name} does not say what it was made of; it was thrown away")
    return SignedCrl(crl, witness.request_id)


def _entry(record: RegistryRecord, now: datetime) -> Entry | None:
    serial_number = int(record.serial_number)
    if record.status is Status.REVOKED:
        if record.revoked_at is None or record.revocation_reason is None:
            raise CrlError(f"{record.fingerprint} is revoked without a time or a reason")
        return Entry(serial_number, record.revoked_at, record.revocation_reason)
    if record.retires_at is not None and record.is_retired(now):
        return Entry(serial_number, record.retires_at, RevocationReason.SUPERSEDED)
    return None


def _write_entry(entry: Entry) -> x509.RevokedCertificate:
    builder = (
        x509.RevokedCertificateBuilder()
        .serial_number(entry.serial_number)
        .revocation_date(entry.revoked_at)
    )
    if entry.reason is not RevocationReason.UNSPECIFIED:
        reason = x509.CRLReason(x509.ReasonFlags(entry.reason.value))
        builder = builder.add_extension(reason, critical=False)
    return builder.build()


def _read_entry(entry: x509.RevokedCertificate) -> Entry:
    try:
        found = entry.extensions.get_extension_for_class(x509.CRLReason)
    except x509.ExtensionNotFound:
        reason = RevocationReason.UNSPECIFIED
    else:
        reason = RevocationReason(found.value.reason.value)
    return Entry(entry.serial_number, entry.revocation_date_utc, reason)
