"""The truststore's bundle: put together and linted, before API Gateway ever sees it.

The rules are API Gateway's own, made stricter where it only warns or fails later:
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-mutual-tls.html
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from pki import pem
from pki.errors import TruststoreError
from pki.issuing import was_issued_by
from pki.keys import WeakKeyError, classify

OBJECT_KEY = "truststore.pem"
MAXIMUM_BUNDLE_BYTES = 999_999
"""API Gateway takes less than 1 MB; the smaller reading of that."""

MAXIMUM_CA_LEVELS = 4
EXPIRES_SOON = timedelta(days=60)

_STRONG_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)


class Severity(StrEnum):
    """Whether a finding stops an upload."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a bundle.

    Attributes:
        severity: whether it stops an upload.
        rule: stable name of the rule.
        message: what is wrong, and which certificate.
    """

    severity: Severity
    rule: str
    message: str


def build_bundle(issuing: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]) -> bytes:
    """Issuing CAs in the order given, then each root that issued one of them, as PEM.

    Raises:
        TruststoreError: no issuing CA, or one that none of the roots issued.
    """
    if not issuing:
        raise TruststoreError(
            "the environment has no issuing CA", hint="run bootstrap-ca for it first"
        )
    needed: list[x509.Certificate] = []
    for certificate in issuing:
        root = next((root for root in roots if was_issued_by(certificate, root)), None)
        if root is None:
            raise TruststoreError(
                f"none of the roots issued {certificate.subject.rfc4514_string()}",
                hint="find out where it came from before anything trusts it",
            )
        if root not in needed:
            needed.append(root)
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in (*issuing, *needed))


def read_bundle(bundle: bytes) -> tuple[x509.Certificate, ...]:
    """The certificates of a bundle, in order.

    Raises:
        TruststoreError: it is empty, truncated, no PEM, or holds something else.
    """
    certificates = []
    try:
        for block in pem.parse_pem(bundle):
            if block.label != "CERTIFICATE":
                raise TruststoreError(
                    f"line {block.line}: the bundle holds a {block.label}, not a certificate"
                )
            certificates.append(_certificate(block))
    except pem.PemError as error:
        raise TruststoreError(f"the bundle cannot be read: {error}") from error
    return tuple(certificates)


def lint(bundle: bytes, now: datetime) -> tuple[Finding, ...]:
    """Everything that is wrong with a bundle; empty when nothing is."""
    if len(bundle) > MAXIMUM_BUNDLE_BYTES:
        # First, since what was read no further than the limit would seem truncated.
        return (_error("size", f"it is oversized: more than {MAXIMUM_BUNDLE_BYTES} bytes"),)
    try:
        certificates = read_bundle(bundle)
    except TruststoreError as error:
        return (Finding(Severity.ERROR, "syntax", str(error)),)
    return tuple(_findings(certificates, now))


def _findings(certificates: Sequence[x509.Certificate], now: datetime) -> Iterator[Finding]:
    yield from _duplicates(certificates)
    for certificate in certificates:
        yield from _kind(certificate)
        yield from _strength(certificate)
        yield from _expiry(certificate, now)
    yield from _chains(certificates)


def _duplicates(certificates: Sequence[x509.Certificate]) -> Iterator[Finding]:
    for subject, count in Counter(certificate.subject for certificate in certificates).items():
        if count > 1:
            yield _error(
                "duplicate-subject",
                f"{count} certificates of {subject.rfc4514_string()}: "
                "API Gateway takes a subject once",
            )


def _kind(certificate: x509.Certificate) -> Iterator[Finding]:
    try:
        extensions = certificate.extensions
    except pem.MALFORMED:
        yield _error("extensions", f"{_name(certificate)}: its extensions cannot be read")
        return
    if not _may_issue(extensions):
        yield _error(
            "not-a-ca",
            f"{_name(certificate)} is no CA: whoever holds a leaf is not to be trusted by it",
        )


def _may_issue(extensions: x509.Extensions) -> bool:
    try:
        constraints = extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return False
    return constraints.ca and usage.key_cert_sign


def _strength(certificate: x509.Certificate) -> Iterator[Finding]:
    try:
        classify(certificate.public_key())
    except WeakKeyError as error:
        yield _error("weak-key", f"{_name(certificate)}: {error}")
    except pem.MALFORMED:
        yield _error("weak-key", f"{_name(certificate)}: its key cannot be read")
    try:
        algorithm = certificate.signature_hash_algorithm
    except pem.MALFORMED:
        algorithm = None
    if not isinstance(algorithm, _STRONG_HASHES):
        found = "an unknown algorithm" if algorithm is None else algorithm.name
        yield _error("weak-signature", f"{_name(certificate)} is signed with {found}")


def _expiry(certificate: x509.Certificate, now: datetime) -> Iterator[Finding]:
    end = certificate.not_valid_after_utc
    if end < now:
        yield _error("expired", f"{_name(certificate)} ended {end:%Y-%m-%d}: its leaves all fail")
    elif end - now < EXPIRES_SOON:
        yield Finding(Severity.WARNING, "expires-soon", f"{_name(certificate)} ends {end:%Y-%m-%d}")
    if certificate.not_valid_before_utc > now:
        start = certificate.not_valid_before_utc
        yield _error("not-yet-valid", f"{_name(certificate)} begins {start:%Y-%m-%d %H:%M:%S} UTC")


def _chains(certificates: Sequence[x509.Certificate]) -> Iterator[Finding]:
    """Each CA is followed by its issuer, up to a self-signed root, within four levels."""
    position = {id(certificate): place for place, certificate in enumerate(certificates)}
    for certificate in certificates:
        chain = [certificate]
        while not was_issued_by(chain[-1], chain[-1]):
            issuer = next(
                (other for other in certificates if was_issued_by(chain[-1], other)), None
            )
            if issuer is None:
                yield _missing_issuer(chain[-1], certificate)
                break
            chain.append(issuer)
            if len(chain) > MAXIMUM_CA_LEVELS:
                yield _error(
                    "too-deep", f"{_name(certificate)}: more than {MAXIMUM_CA_LEVELS} CA levels"
                )
                break
        if len(chain) > 1 and position[id(chain[1])] < position[id(certificate)]:
            yield _error("order", f"{_name(certificate)} comes after its issuer {_name(chain[1])}")


def _missing_issuer(orphan: x509.Certificate, certificate: x509.Certificate) -> Finding:
    of = "" if orphan is certificate else f" (issuer of {_name(certificate)})"
    return _error(
        "incomplete-chain",
        f"{_name(orphan)}{of}: its issuer {orphan.issuer.rfc4514_string()} is not in the bundle, "
        "and every CA up to the root must be",
    )


def _certificate(block: pem.Block) -> x509.Certificate:
    try:
        certificate = x509.load_der_x509_certificate(block.der)
        _ = certificate.subject, certificate.issuer
    except pem.MALFORMED as error:
        raise TruststoreError(
            f"line {block.line}: the block does not hold an X.509 certificate"
        ) from error
    return certificate


def _error(rule: str, message: str) -> Finding:
    return Finding(Severity.ERROR, rule, message)


def _name(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string() or "a certificate without subject"
