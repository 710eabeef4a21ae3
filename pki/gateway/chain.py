"""Judging a client certificate against a truststore, as API Gateway does.

Checked: syntax, signatures, validity, name chaining, basicConstraints, path length, key usage,
extended key usage when there is one, and strength (SHA-256 or better, RSA of 2048 bits or more,
ECDSA on P-256 or P-384). Every CA from the issuer to the root has to be in the truststore; what
the client sends beside its certificate does not count. At most four CA levels. CRL and OCSP are
never asked: revocation is the API's own business.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-mutual-tls.html
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from pki.gateway.truststore import UNREADABLE, ClientTrust, InvalidTruststore, Truststore

MAX_CA_LEVELS = 4
MIN_RSA_BITS = 2048

_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
_CURVES = (ec.SECP256R1, ec.SECP384R1)


class Refusal(StrEnum):
    """Why a client certificate is refused; the values go to the access log."""

    TRUSTSTORE_INVALID = "truststore_invalid"
    MALFORMED = "malformed_certificate"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    WEAK_KEY = "weak_key"
    WEAK_SIGNATURE = "weak_signature"
    NOT_FOR_CLIENTS = "not_for_client_authentication"
    UNTRUSTED_ISSUER = "untrusted_issuer"
    BAD_SIGNATURE = "bad_signature"
    INCOMPLETE_CHAIN = "incomplete_chain"
    CHAIN_TOO_LONG = "chain_too_long"
    ISSUER_NOT_A_CA = "issuer_not_a_ca"
    ISSUER_NOT_VALID = "issuer_not_valid_now"
    ISSUER_WEAK = "issuer_weak"
    CHAIN_REJECTED = "chain_rejected"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A decision about one certificate under one truststore.

    Attributes:
        refusal: Why it is refused, None when it is accepted.
        until: The next moment at which the same question may have another answer, None for never.
    """

    refusal: Refusal | None
    until: dt.datetime | None = None


def judge(certificate: x509.Certificate, trust: ClientTrust, now: dt.datetime) -> Judgement:
    """Decide whether a client certificate is accepted.

    Args:
        certificate: What the client presented and proved to hold the key of.
        trust: The domain's truststore.
        now: The time, aware.

    Returns:
        The judgement. Nothing is raised: whatever cannot be parsed is refused as malformed.
    """
    if isinstance(trust, InvalidTruststore):
        return Judgement(Refusal.TRUSTSTORE_INVALID)
    try:
        return _judge(certificate, trust, now)
    except UNREADABLE:
        return Judgement(Refusal.MALFORMED)


def _judge(leaf: x509.Certificate, trust: Truststore, now: dt.datetime) -> Judgement:
    # Subjects are unique in a truststore, so there is one path at most and nothing to search.
    path, broken = _path(leaf, trust)
    _ = leaf.subject, leaf.extensions  # Parsed when read: both have to be readable.
    refusal = _leaf_refusal(leaf, now) or broken or _issuers_refusal(path, now)
    if refusal is None and not _verifies(leaf, path, now):
        # Second opinion, for what the walk does not look at: name constraints, critical
        # extensions nobody knows, encodings.
        refusal = Refusal.CHAIN_REJECTED
    return Judgement(refusal, _next_change([leaf, *path], now))


def _path(
    leaf: x509.Certificate, trust: Truststore
) -> tuple[list[x509.Certificate], Refusal | None]:
    """Walk from the leaf to a root; return the CAs found and why the walk broke off, if it did."""
    path: list[x509.Certificate] = []
    child = leaf
    while True:
        issuer = trust.by_subject.get(child.issuer.public_bytes())
        if issuer is None:
            return path, Refusal.INCOMPLETE_CHAIN if path else Refusal.UNTRUSTED_ISSUER
        if len(path) == MAX_CA_LEVELS:
            return path, Refusal.CHAIN_TOO_LONG
        if not _issued(child, issuer):
            return path, Refusal.BAD_SIGNATURE
        path.append(issuer)
        if issuer.issuer == issuer.subject:
            return path, None if _issued(issuer, issuer) else Refusal.BAD_SIGNATURE
        child = issuer


def _issued(child: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        child.verify_directly_issued_by(issuer)
    except (InvalidSignature, *UNREADABLE):
        return False
    return True


def _leaf_refusal(leaf: x509.Certificate, now: dt.datetime) -> Refusal | None:
    if leaf.version is not x509.Version.v3 or leaf.serial_number <= 0:
        return Refusal.MALFORMED
    if now < leaf.not_valid_before_utc:
        return Refusal.NOT_YET_VALID
    if now > leaf.not_valid_after_utc:
        return Refusal.EXPIRED
    if not _strong_key(leaf):
        return Refusal.WEAK_KEY
    if not _strong_signature(leaf):
        return Refusal.WEAK_SIGNATURE
    constraints = _extension(leaf, x509.BasicConstraints)
    usage = _extension(leaf, x509.KeyUsage)
    purposes = _extension(leaf, x509.ExtendedKeyUsage)
    allowed = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    if (
        (constraints is not None and constraints.ca)
        or (usage is not None and not usage.digital_signature)
        or (purposes is not None and allowed.isdisjoint(purposes))
    ):
        return Refusal.NOT_FOR_CLIENTS
    return None


def _issuers_refusal(path: list[x509.Certificate], now: dt.datetime) -> Refusal | None:
    for below, issuer in enumerate(path):
        if not issuer.not_valid_before_utc <= now <= issuer.not_valid_after_utc:
            return Refusal.ISSUER_NOT_VALID
        if not (_strong_key(issuer) and _strong_signature(issuer)):
            return Refusal.ISSUER_WEAK
        constraints = _extension(issuer, x509.BasicConstraints)
        usage = _extension(issuer, x509.KeyUsage)
        if constraints is None or not constraints.ca:
            return Refusal.ISSUER_NOT_A_CA
        if usage is not None and not usage.key_cert_sign:
            return Refusal.ISSUER_NOT_A_CA
        if constraints.path_length is not None and below > constraints.path_length:
            return Refusal.CHAIN_TOO_LONG
    return None


def _strong_key(certificate: x509.Certificate) -> bool:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size >= MIN_RSA_BITS
    return isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, _CURVES)


def _strong_signature(certificate: x509.Certificate) -> bool:
    return isinstance(certificate.signature_hash_algorithm, _HASHES)


def _extension[E: x509.ExtensionType](certificate: x509.Certificate, kind: type[E]) -> E | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _accept(_policy: Policy, _certificate: x509.Certificate, _extension: object) -> None:
    """Take any value of an extension: the walk has looked at it already."""


def _verifies(leaf: x509.Certificate, path: list[x509.Certificate], now: dt.datetime) -> bool:
    # The library's defaults are the Web PKI's (a SAN in the leaf, key identifiers in CAs), which
    # API Gateway does not ask for: private CAs often have neither.
    either = Criticality.AGNOSTIC
    ca_policy = ExtensionPolicy.permit_all().require_present(x509.BasicConstraints, either, _accept)
    verifier = (
        PolicyBuilder()
        .store(Store(path[-1:]))
        .time(now)
        .max_chain_depth(MAX_CA_LEVELS - 1)
        .extension_policies(ca_policy=ca_policy, ee_policy=ExtensionPolicy.permit_all())
        .build_client_verifier()
    )
    try:
        verifier.verify(leaf, path[:-1])
    except VerificationError:
        return False
    return True


def _next_change(chain: Iterable[x509.Certificate], now: dt.datetime) -> dt.datetime | None:
    bounds = (b for c in chain for b in (c.not_valid_before_utc, c.not_valid_after_utc))
    return min((bound for bound in bounds if bound >= now), default=None)
