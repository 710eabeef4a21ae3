"""What the function `est` asks and is answered: JSON, DER in base64."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from mtls_issuer.refusal import Refusal, RefusedError
from mtls_issuer.renewal import Renewed

RENEW = "renew"
CA_CERTIFICATES = "ca_certificates"

type Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Renew:
    """A call to renew.

    Attributes:
        certificate: DER of the certificate that the device presented.
        request: DER of its PKCS #10 request.
    """

    certificate: bytes
    request: bytes

    @classmethod
    def read(cls, event: Mapping[str, Any]) -> Self:
        """Read the event.

        Raises:
            RefusedError: it is no such call.
        """
        return cls(_decoded(event.get("certificate")), _decoded(event.get("request")))


def renewed_answer(renewed: Renewed) -> Answer:
    """The new certificate alone (RFC 7030, section 4.2.3)."""
    return {
        "pkcs7": _certificates_only([renewed.certificate]),
        "fingerprint": renewed.record.fingerprint,
        "repeated": renewed.repeated,
    }


def ca_certificates_answer(certificates: Sequence[x509.Certificate]) -> Answer:
    """The CA certificates (RFC 7030, section 4.1.3)."""
    return {"pkcs7": _certificates_only(certificates)}


def refused_answer(refused: RefusedError) -> Answer:
    """Why there is none."""
    return {"reason": refused.reason.value, "message": refused.message}


def _certificates_only(certificates: Sequence[x509.Certificate]) -> str:
    """A certs-only CMS message (RFC 5751, section 3.2.2), base64."""
    message = pkcs7.serialize_certificates(list(certificates), Encoding.DER)
    return base64.b64encode(message).decode("ascii")


def _decoded(value: object) -> bytes:
    if not isinstance(value, str):
        raise RefusedError(Refusal.CALL_MALFORMED)
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise RefusedError(Refusal.CALL_MALFORMED) from None
