"""Issuing: the only place where a certificate comes into being.

A certificate is drafted first, serial number included, and signed afterwards. Whoever writes the
draft down in between can be interrupted at any moment: the same draft signed again is the same
certificate, never a second one.

Whatever leaves here has its issuer's name, its profile's extensions and a validity inside its
issuer's, and its signature has been verified against the CA's own public key. Nothing here talks
to AWS; the signer may.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from pki import pem, profiles
from pki.errors import IssuanceError, KeyKeeperError, UsageError
from pki.keys import PublicKey, WeakKeyError, signature_hash, supported, verifies
from pki.profiles import Profile, Validity
from pki.signer import Signer, Witness, signing_key


@dataclass(frozen=True, slots=True)
class CertificateAuthority:
    """A CA certificate and the keeper of its key.

    Raises:
        KeyKeeperError: the keeper holds another key than the certificate's.
    """

    certificate: x509.Certificate
    signer: Signer

    def __post_init__(self) -> None:
        if self.certificate.public_key() != self.signer.public_key():
            raise KeyKeeperError(
                f"the key of {self.certificate.subject.rfc4514_string()} is not the one that its "
                "certificate names",
                hint="the key was replaced: a new key needs a new generation of the CA",
            )


@dataclass(frozen=True, slots=True)
class IssuerFacts:
    """What a certificate takes over from its issuer, which may only be a draft itself.

    Attributes:
        name: the issuer's subject.
        public_key: verifies what it signs.
        validity: what it issues lies within.
        path_length: how many CAs may follow below it.
    """

    name: x509.Name
    public_key: PublicKey
    validity: Validity
    path_length: int | None

    @classmethod
    def of(cls, certificate: x509.Certificate) -> Self:
        """The facts of a CA that exists.

        Raises:
            IssuanceError: it is no CA, or its key is none that a CA may have.
        """
        name = certificate.subject
        try:
            found = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        except x509.ExtensionNotFound:
            found = None
        if found is None or not found.value.ca:
            raise IssuanceError(f"{name.rfc4514_string()} is no CA: it may not issue certificates")
        validity = Validity(certificate.not_valid_before_utc, certificate.not_valid_after_utc)
        key = _strong(profiles.ISSUING, certificate.public_key())
        return cls(name, key, validity, found.value.path_length)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A certificate before its signature: everything that the signature will cover.

    Attributes:
        profile: what kind of certificate.
        subject: its subject.
        public_key: its subject's key.
        serial_number: random, positive, 20 octets at most.
        validity: both ends included.
        issuer: who signs it; its own facts for a root.
        alternative_names: subject alternative names.
    """

    profile: Profile
    subject: x509.Name
    public_key: PublicKey
    serial_number: int
    validity: Validity
    issuer: IssuerFacts
    alternative_names: tuple[x509.GeneralName, ...] = ()

    def as_issuer(self) -> IssuerFacts:
        """The facts of a CA that is only drafted yet.

        Raises:
            IssuanceError: it is no CA.
        """
        if not self.profile.is_ca:
            raise IssuanceError(f"{self.profile.name} may not issue certificates")
        return IssuerFacts(self.subject, self.public_key, self.validity, self.profile.path_length)

    def matches(self, certificate: x509.Certificate) -> bool:
        """Whether the certificate is this draft, signed."""
        try:
            extensions = [(entry.value, entry.critical) for entry in certificate.extensions]
            return (
                certificate.serial_number == self.serial_number
                and certificate.subject == self.subject
                and certificate.issuer == self.issuer.name
                and certificate.not_valid_before_utc == self.validity.not_before
                and certificate.not_valid_after_utc == self.validity.not_after
                and certificate.public_key() == self.public_key
                and extensions == list(self._extensions())
            )
        except pem.MALFORMED:
            return False

    def builder(self) -> x509.CertificateBuilder:
        """The certificate, ready to be signed."""
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.subject)
            .issuer_name(self.issuer.name)
            .public_key(self.public_key)
            .serial_number(self.serial_number)
            .not_valid_before(self.validity.not_before)
            .not_valid_after(self.validity.not_after)
        )
        for extension, critical in self._extensions():
            builder = builder.add_extension(extension, critical)
        return builder

    def to_document(self) -> dict[str, Any]:
        """The draft in JSON's types: names as RFC 4514 strings, keys as PEM, times ISO 8601."""
        return {
            "profile": self.profile.identifier,
            "subject": self.subject.rfc4514_string(),
            "public_key": _key_to_pem(self.public_key),
            "serial_number": str(self.serial_number),
            **_validity_to_document(self.validity),
            "issuer": {
                "name": self.issuer.name.rfc4514_string(),
                "public_key": _key_to_pem(self.issuer.public_key),
                **_validity_to_document(self.issuer.validity),
                "path_length": self.issuer.path_length,
            },
            "alternative_names": [profiles.name_to_text(name) for name in self.alternative_names],
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_document` wrote.

        Raises:
            IssuanceError: it is not such a document; the message names what is wrong.
        """
        try:
            issuer = document["issuer"]
            draft = cls(
                profile=profiles.BY_IDENTIFIER[document["profile"]],
                subject=_name(document["subject"]),
                public_key=_key_from_pem(document["public_key"]),
                serial_number=int(document["serial_number"]),
                validity=_validity_from_document(document),
                issuer=IssuerFacts(
                    _name(issuer["name"]),
                    _key_from_pem(issuer["public_key"]),
                    _validity_from_document(issuer),
                    issuer["path_length"],
                ),
                alternative_names=tuple(map(profiles.parse_name, document["alternative_names"])),
            )
        except (KeyError, TypeError, AttributeError, ValueError, UsageError) as error:
            raise IssuanceError(f"the draft of a certificate is malformed: {error!r}") from error
        # What reads alike and is not the same would sign something else than was approved.
        if draft.to_document() != dict(document):
            raise IssuanceError("the draft of a certificate is malformed: not as it was written")
        return draft

    def _extensions(self) -> Sequence[tuple[x509.ExtensionType, bool]]:
        return tuple(
            self.profile.extensions(self.public_key, self.issuer.public_key, self.alternative_names)
        )


@dataclass(frozen=True, slots=True)
class Signed:
    """A new certificate.

    Attributes:
        certificate: its signature is verified.
        signature_request_id: what the keeper's log calls the signature; None where there is none.
    """

    certificate: x509.Certificate
    signature_request_id: str | None


def draft_root(public_key: PublicKey, subject: x509.Name, now: datetime) -> Draft:
    """Draft a self-signed root.

    Raises:
        IssuanceError: the key is not one that the profile allows.
    """
    key = _strong(profiles.ROOT, public_key)
    validity = profiles.ROOT.validity(now)
    itself = IssuerFacts(subject, key, validity, profiles.ROOT.path_length)
    return _draft(profiles.ROOT, itself, key, subject, validity)


def draft_issuing_ca(
    issuer: IssuerFacts, public_key: PublicKey, subject: x509.Name, now: datetime
) -> Draft:
    """Draft an environment's issuing CA.

    Raises:
        IssuanceError: weak key, or it would outlive the root.
    """
    draft = _draft(profiles.ISSUING, issuer, public_key, subject, profiles.ISSUING.validity(now))
    _require_room(draft, now)
    return draft


def draft_client(
    issuer: IssuerFacts,
    public_key: PublicKey,
    client_id: str,
    lifetime: timedelta,
    now: datetime,
    alternative_names: Sequence[x509.GeneralName] = (),
) -> Draft:
    """Draft a client certificate.

    Raises:
        IssuanceError: weak key, too long a lifetime, or it would outlive the issuing CA.
    """
    validity = profiles.CLIENT.validity(now, lifetime)
    subject = profiles.client_name(client_id)
    draft = _draft(profiles.CLIENT, issuer, public_key, subject, validity, tuple(alternative_names))
    _require_room(draft, now)
    return draft


def sign(draft: Draft, signer: Signer, now: datetime) -> Signed:
    """Turn a draft into a certificate.

    Raises:
        IssuanceError: the key is weak, the issuer may not issue it now, or the signature is wrong.
        KeyKeeperError: the keeper will not sign, or holds another key than the issuer's.
    """
    _strong(draft.profile, draft.public_key)
    _require_room(draft, now)
    if signer.public_key() != draft.issuer.public_key:
        raise KeyKeeperError(
            f"the key of {draft.issuer.name.rfc4514_string()} is not the one that the draft names",
            hint="the key was replaced: a new key needs a new generation of the CA",
        )
    witness = Witness(signer)
    key = draft.issuer.public_key
    certificate = draft.builder().sign(signing_key(witness), signature_hash(key))
    if not _verifies(certificate, key) or not draft.matches(certificate):
        raise IssuanceError(
            f"the signature on {certificate.subject.rfc4514_string()} does not verify; "
            "the certificate was thrown away",
            hint="the key keeper signed something else than it was asked to: investigate",
        )
    return Signed(certificate, witness.request_id)


def issue_root(signer: Signer, subject: x509.Name, now: datetime) -> x509.Certificate:
    """Draft and sign a root; see :func:`draft_root` and :func:`sign`."""
    return sign(draft_root(signer.public_key(), subject, now), signer, now).certificate


def issue_issuing_ca(
    issuer: CertificateAuthority, public_key: PublicKey, subject: x509.Name, now: datetime
) -> x509.Certificate:
    """Draft and sign an issuing CA; see :func:`draft_issuing_ca` and :func:`sign`."""
    draft = draft_issuing_ca(IssuerFacts.of(issuer.certificate), public_key, subject, now)
    return sign(draft, issuer.signer, now).certificate


def issue_client(
    issuer: CertificateAuthority,
    public_key: PublicKey,
    client_id: str,
    lifetime: timedelta,
    now: datetime,
) -> x509.Certificate:
    """Draft and sign a client certificate; see :func:`draft_client` and :func:`sign`."""
    facts = IssuerFacts.of(issuer.certificate)
    draft = draft_client(facts, public_key, client_id, lifetime, now)
    return sign(draft, issuer.signer, now).certificate


def was_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the certificate names this issuer and carries its signature."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, TypeError, *pem.MALFORMED):
        return False
    return pem.is_whole(certificate.public_bytes(Encoding.DER), certificate.signature)


def _draft(
    profile: Profile,
    issuer: IssuerFacts,
    public_key: PublicKey,
    subject: x509.Name,
    validity: Validity,
    alternative_names: tuple[x509.GeneralName, ...] = (),
) -> Draft:
    return Draft(
        profile=profile,
        subject=subject,
        public_key=_strong(profile, public_key),
        serial_number=x509.random_serial_number(),  # 159 random bits, positive, 20 octets
        validity=validity,
        issuer=issuer,
        alternative_names=alternative_names,
    )


def _strong(profile: Profile, public_key: object) -> PublicKey:
    try:
        return supported(public_key, profile.key_types)
    except WeakKeyError as error:
        allowed = ", ".join(sorted(key_type.value for key_type in profile.key_types))
        raise IssuanceError(
            f"{profile.name} may not have a key of this kind: {error}",
            hint=f"allowed: {allowed}",
        ) from error


def _require_room(draft: Draft, now: datetime) -> None:
    """Refuse what the issuer may not issue now, or what would outlive it."""
    profile, issuer, validity = draft.profile, draft.issuer, draft.validity
    name = issuer.name.rfc4514_string()
    if profile.is_ca and profile is not profiles.ROOT and issuer.path_length == 0:
        raise IssuanceError(f"{name} may not issue {profile.name}")
    if not issuer.validity.not_before <= now <= issuer.validity.not_after:
        raise IssuanceError(
            f"{name} is valid from {issuer.validity.not_before:%Y-%m-%d %H:%M:%S} to "
            f"{issuer.validity.not_after:%Y-%m-%d %H:%M:%S} UTC, and it is not that now",
            hint="rotate to a new generation of the CA",
        )
    if validity.not_after > issuer.validity.not_after:
        days = (issuer.validity.not_after - validity.not_before).days
        raise IssuanceError(
            f"{profile.name} would end {validity.not_after:%Y-%m-%d}, after its issuer {name}, "
            f"which ends {issuer.validity.not_after:%Y-%m-%d}",
            hint=f"ask for at most {days} days, or rotate to a new generation of the CA",
        )


def _verifies(certificate: x509.Certificate, key: PublicKey) -> bool:
    algorithm = certificate.signature_hash_algorithm
    signed = certificate.tbs_certificate_bytes
    return algorithm is not None and verifies(key, certificate.signature, signed, algorithm)


def _key_to_pem(key: PublicKey) -> str:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def _key_from_pem(text: str) -> PublicKey:
    key = load_pem_public_key(text.encode("ascii"))
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise TypeError("a key that is neither RSA nor EC")
    return key


def _name(text: str) -> x509.Name:
    return x509.Name.from_rfc4514_string(text)


def _validity_to_document(validity: Validity) -> dict[str, str]:
    return {
        "not_before": validity.not_before.astimezone(UTC).isoformat(),
        "not_after": validity.not_after.astimezone(UTC).isoformat(),
    }


def _validity_from_document(document: Mapping[str, Any]) -> Validity:
    return Validity(
        datetime.fromisoformat(document["not_before"]).astimezone(UTC),
        datetime.fromisoformat(document["not_after"]).astimezone(UTC),
    )
