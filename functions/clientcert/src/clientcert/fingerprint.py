"""One rule for naming a certificate, used by whoever issues one and whoever checks one."""

import base64
import hashlib

MAXIMUM_PEM_LENGTH = 64 * 1024
"""Characters. API Gateway passes one leaf; the largest sensible one is far smaller."""

_BEGIN = b"-----BEGIN CERTIFICATE-----"
_END = b"-----END CERTIFICATE-----"


class MalformedCertificateError(ValueError):
    """The text is not exactly one PEM certificate (RFC 7468)."""


def der_from_pem(pem: str) -> bytes:
    """Decode exactly one PEM certificate (RFC 7468) to its DER bytes.

    Anything beside that one certificate is refused, so that two readers can never see two
    different certificates in one text.

    Raises:
        MalformedCertificateError: not one certificate, oversized, or not canonical base64.
    """
    if len(pem) > MAXIMUM_PEM_LENGTH:
        raise MalformedCertificateError(f"PEM text exceeds {MAXIMUM_PEM_LENGTH} characters")
    if not pem.isascii():
        raise MalformedCertificateError("PEM text must be ASCII")
    text = pem.encode("ascii").strip()
    if not text.startswith(_BEGIN) or not text.endswith(_END):
        raise MalformedCertificateError("expected exactly one PEM block labelled CERTIFICATE")
    body = b"".join(text[len(_BEGIN) : -len(_END)].split())
    try:
        der = base64.b64decode(body, validate=True)
    except ValueError as error:
        raise MalformedCertificateError("the PEM body is not base64") from error
    if base64.b64encode(der) != body:
        raise MalformedCertificateError("the PEM body is not canonical base64")
    if not _is_one_der_sequence(der):
        raise MalformedCertificateError("the PEM body is not one DER sequence")
    return der


def fingerprint(der: bytes) -> str:
    """SHA-256 over the certificate's DER, 64 lower-case hexadecimal digits: the registry's key."""
    return hashlib.sha256(der).hexdigest()


def thumbprint(der: bytes) -> str:
    """The ``x5t#S256`` confirmation value of RFC 8705, section 3.1: base64url without padding."""
    digest = hashlib.sha256(der).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def _is_one_der_sequence(der: bytes) -> bool:
    """Whether the bytes are one SEQUENCE whose definite length spans them all (X.690, 8.1.3)."""
    if len(der) < 2 or der[0] != 0x30:
        return False
    first = der[1]
    if first < 0x80:
        return len(der) == 2 + first
    octets = first & 0x7F
    if octets == 0 or octets > 4 or len(der) < 2 + octets:
        return False
    length = int.from_bytes(der[2 : 2 + octets])
    return length >= 0x80 and der[2] != 0 and len(der) == 2 + octets + length
