"""Issuing: the only place where a certificate comes into being.

Whatever leaves here has its issuer's name, its profile's extensions and a validity inside its
issuer's, and its signature has been verified against the CA's own public key. Nothing here talks
to AWS; the signer may.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from pki import pem, profiles
from pki.errors import IssuanceError, KeyKeeperError
from pki.keys import PublicKey, WeakKeyError, signature_hash, supported
from pki.profiles import Profile, Validity
from pki.signer import Signer, signing_key


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


def issue_root(signer: Signer, subject: x509.Name, now: datetime) -> x509.Certificate:
    """Issue a self-signed root.

    Raises:
        IssuanceError: the key is not one that the profile allows, or the signature is wrong.
        KeyKeeperError: the keeper will not sign.
    """
    key = _strong(profiles.ROOT, signer.public_key())
    validity = profiles.ROOT.validity(now)
    certificate = _sign(profiles.ROOT, subject, key, validity, subject, signer)
    _verify(certificate, issuer=certificate)
    return certificate


def issue_issuing_ca(
    issuer: CertificateAuthority, public_key: PublicKey, subject: x509.Name, now: datetime
) -> x509.Certificate:
    """Issue an environment's issuing CA.

    Raises:
        IssuanceError: weak key, it would outlive the root, or the signature is wrong.
        KeyKeeperError: the keeper will not sign.
    """
    return _issue(
        profiles.ISSUING, issuer, public_key, subject, profiles.ISSUING.validity(now), now
    )


def issue_client(
    issuer: CertificateAuthority,
    public_key: PublicKey,
    client_id: str,
    lifetime: timedelta,
    now: datetime,
) -> x509.Certificate:
    """Issue a client certificate.

    Raises:
        IssuanceError: weak key, too long a lifetime, it would outlive the issuing CA, or the
            signature is wrong.
        KeyKeeperError: the keeper will not sign.
    """
    validity = profiles.CLIENT.validity(now, lifetime)
    subject = profiles.client_name(client_id)
    return _issue(profiles.CLIENT, issuer, public_key, subject, validity, now)


def was_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the certificate names this issuer and carries its signature."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, TypeError, *pem.MALFORMED):
        return False
    return True


def _issue(
    profile: Profile,
    issuer: CertificateAuthority,
    public_key: PublicKey,
    subject: x509.Name,
    validity: Validity,
    now: datetime,
) -> x509.Certificate:
    key = _strong(profile, public_key)
    _require_room(profile, issuer.certificate, validity, now)
    certificate = _sign(profile, subject, key, validity, issuer.certificate.subject, issuer.signer)
    _verify(certificate, issuer=issuer.certificate)
    return certificate


def _strong(profile: Profile, public_key: object) -> PublicKey:
    try:
        return supported(public_key, profile.key_types)
    except WeakKeyError as error:
        allowed = ", ".join(sorted(key_type.value for key_type in profile.key_types))
        raise IssuanceError(
            f"{profile.name} may not have a key of this kind: {error}",
            hint=f"allowed: {allowed}",
        ) from error


def _require_room(
    profile: Profile, issuer: x509.Certificate, validity: Validity, now: datetime
) -> None:
    """Refuse what the issuer may not issue now, or what would outlive it."""
    name = issuer.subject.rfc4514_string()
    constraints = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
    if not constraints.ca or (profile.is_ca and constraints.path_length == 0):
        raise IssuanceError(f"{name} may not issue {profile.name}")
    if not issuer.not_valid_before_utc <= now <= issuer.not_valid_after_utc:
        raise IssuanceError(
            f"{name} is valid from {issuer.not_valid_before_utc:%Y-%m-%d %H:%M:%S} to "
            f"{issuer.not_valid_after_utc:%Y-%m-%d %H:%M:%S} UTC, and it is not that now",
            hint="rotate to a new generation of the CA",
        )
    if validity.not_after > issuer.not_valid_after_utc:
        days = (issuer.not_valid_after_utc - validity.not_before).days
        raise IssuanceError(
            f"{profile.name} would end {validity.not_after:%Y-%m-%d}, after its issuer {name}, "
            f"which ends {issuer.not_valid_after_utc:%Y-%m-%d}",
            hint=f"ask for at most {days} days, or rotate to a new generation of the CA",
        )


def _sign(
    profile: Profile,
    subject: x509.Name,
    public_key: PublicKey,
    validity: Validity,
    issuer_name: x509.Name,
    signer: Signer,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer_name)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())  # 159 random bits, positive, 20 octets
        .not_valid_before(validity.not_before)
        .not_valid_after(validity.not_after)
    )
    for extension, critical in profile.extensions(public_key, signer.public_key()):
        builder = builder.add_extension(extension, critical)
    return builder.sign(signing_key(signer), signature_hash(signer.public_key()))


def _verify(certificate: x509.Certificate, *, issuer: x509.Certificate) -> None:
    if not was_issued_by(certificate, issuer):
        raise IssuanceError(
            f"the signature on {certificate.subject.rfc4514_string()} does not verify; "
            "the certificate was thrown away",
            hint="the key keeper signed something else than it was asked to: investigate",
        )
