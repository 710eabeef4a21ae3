"""Truststores, as API Gateway reads them.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-mutual-tls.html
"""

import datetime as dt
import re
from collections import Counter
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

MAX_BYTES = 1_000_000

UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What cryptography raises, early or late, for a certificate that it cannot read."""

_PEM_LABEL = re.compile(rb"-----BEGIN ([^\r\n-]+)-----")


@dataclass(frozen=True, eq=False, slots=True)
class Truststore:
    """The certificate authorities that a domain accepts client certificates from.

    Compared by identity: a judgement made under one truststore holds for that very object.
    """

    certificates: tuple[x509.Certificate, ...]
    by_subject: dict[bytes, x509.Certificate] = field(repr=False)
    source: str = ""


@dataclass(frozen=True, slots=True)
class InvalidTruststore:
    """A truststore that cannot be used, and why: its domain refuses everybody."""

    source: str
    problem: str


type ClientTrust = Truststore | InvalidTruststore


def parse(pem: bytes, source: str = "") -> ClientTrust:
    """Read a truststore as API Gateway imports it.

    An expired entry is no error (AWS warns); see ``expired``.

    Args:
        pem: The S3 object.
        source: Where it came from, for messages.

    Returns:
        The truststore, or what is wrong with it: size, no certificate, another kind of PEM block,
        a certificate that cannot be parsed, two entries with one subject.
    """
    if len(pem) > MAX_BYTES:
        return InvalidTruststore(source, f"{len(pem)} bytes, at most {MAX_BYTES} are allowed")
    foreign = {label.decode("ascii", "replace") for label in _PEM_LABEL.findall(pem)}
    foreign -= {"CERTIFICATE"}
    if foreign:
        return InvalidTruststore(source, f"holds PEM blocks other than CERTIFICATE: {min(foreign)}")
    try:
        certificates = tuple(x509.load_pem_x509_certificates(pem))
        names = Counter(certificate.subject.rfc4514_string() for certificate in certificates)
    except UNREADABLE:
        return InvalidTruststore(source, "not a bundle of PEM certificates")
    name, times = names.most_common(1)[0]
    if times > 1:
        return InvalidTruststore(source, f"{times} certificates have the subject {name}")
    by_subject = {c.subject.public_bytes(): c for c in certificates}
    return Truststore(certificates, by_subject, source)


def expired(truststore: Truststore, now: dt.datetime) -> list[str]:
    """Subjects of the entries that are past their end, in RFC 4514 form."""
    return [
        certificate.subject.rfc4514_string()
        for certificate in truststore.certificates
        if certificate.not_valid_after_utc < now
    ]
