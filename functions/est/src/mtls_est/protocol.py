"""EST on the wire: the request's body, the answers (RFC 7030, section 4; RFC 8951, section 3)."""

import base64
import binascii
import textwrap
from collections.abc import Mapping
from typing import Any

from mtls_est.refusal import ANSWERS, Refusal, RefusedError

MAXIMUM_BODY_LENGTH = 32 * 1024
"""Characters. A request of 16 KiB is far more than RSA 4096 needs; base64 adds a third."""

_PKCS10 = "application/pkcs10"
_LINE = 64
_RETRY_SECONDS = 10

type Answer = dict[str, Any]
"""A Lambda proxy answer, payload format 2.0."""


def certificate_request(event: Mapping[str, Any]) -> bytes:
    """The DER of the PKCS #10 request in an HTTP API event, payload format 2.0.

    White space in the base64 is ignored, and so is Content-Transfer-Encoding, which RFC 7030 asks
    for and RFC 8951 takes back.

    Raises:
        RefusedError: there is none.
    """
    if event.get("rawQueryString"):
        raise RefusedError(Refusal.QUERY_NOT_ALLOWED)
    content_type = _headers(event).get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != _PKCS10:
        raise RefusedError(Refusal.CONTENT_TYPE_WRONG)
    text = b"".join(_body(event).split())
    try:
        der = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise RefusedError(Refusal.BODY_MALFORMED) from None
    if not der:
        raise RefusedError(Refusal.BODY_MALFORMED)
    return der


def certificates_answer(pkcs7: bytes) -> Answer:
    """A certs-only CMS message in base64 (RFC 7030, sections 4.1.3 and 4.2.3)."""
    text = base64.b64encode(pkcs7).decode("ascii")
    return {
        "statusCode": 200,
        "headers": {
            "content-type": "application/pkcs7-mime; smime-type=certs-only",
            # Clients older than RFC 8951 insist on it, later ones ignore it.
            "content-transfer-encoding": "base64",
            "cache-control": "no-store",
        },
        "body": "\r\n".join(textwrap.wrap(text, _LINE)) + "\r\n",
        "isBase64Encoded": False,
    }


def refused_answer(refused: RefusedError) -> Answer:
    """An error as a person reads it (RFC 7030, section 4.2.3)."""
    status, sentence = ANSWERS[refused.reason]
    headers = {"content-type": "text/plain; charset=utf-8", "cache-control": "no-store"}
    if status == 503:
        headers["retry-after"] = str(_RETRY_SECONDS)
    return {
        "statusCode": status,
        "headers": headers,
        "body": f"{refused.message or sentence}\n",
        "isBase64Encoded": False,
    }


def not_found_answer() -> Answer:
    """What API Gateway itself says about an unknown path."""
    return {
        "statusCode": 404,
        "headers": {"content-type": "application/json"},
        "body": '{"message": "Not Found"}',
        "isBase64Encoded": False,
    }


def _headers(event: Mapping[str, Any]) -> dict[str, str]:
    return {name.lower(): str(value) for name, value in (event.get("headers") or {}).items()}


def _body(event: Mapping[str, Any]) -> bytes:
    """The body as it was sent: API Gateway passes one that is no text in base64."""
    body = event.get("body") or ""
    if not isinstance(body, str):
        raise RefusedError(Refusal.BODY_MALFORMED)
    if len(body) > 2 * MAXIMUM_BODY_LENGTH:
        raise RefusedError(Refusal.BODY_OVERSIZED)
    try:
        sent = (
            base64.b64decode(body, validate=True)
            if event.get("isBase64Encoded")
            else body.encode("ascii")
        )
    except ValueError:
        raise RefusedError(Refusal.BODY_MALFORMED) from None
    if len(sent) > MAXIMUM_BODY_LENGTH:
        raise RefusedError(Refusal.BODY_OVERSIZED)
    return sent
