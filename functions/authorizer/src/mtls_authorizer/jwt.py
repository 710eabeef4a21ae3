"""A verifier for one kind of token: RS256 access tokens of one Cognito user pool.

It does less than a JWT library on purpose. There is one algorithm, so none can be confused with
another; the key comes from the issuer's key set and from nowhere in the token; every byte has one
spelling (canonical base64url, no duplicate JSON members). RFC 7515, RFC 7519, RFC 8725.
"""

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from mtls_authorizer.refusal import Refusal, RefusedError

MAXIMUM_TOKEN_LENGTH = 8192
"""Characters. API Gateway bounds all headers together at 10,240 bytes."""

LEEWAY_SECONDS = 5
"""How far the clocks of Cognito and Lambda may differ."""

_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)", re.ASCII)
_MAXIMUM_KEY_ID_LENGTH = 256
_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
_MAXIMUM_TIME = 2**40

type FindKey = Callable[[str], RSAPublicKey]
"""From a key id to the issuer's key; raises `RefusedError` where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """What a verified token says.

    Attributes:
        client_id: Cognito app client that it was issued to.
        scope: as in the token, space-separated.
        expires_at: seconds since the epoch.
        x5t_s256: thumbprint of the certificate that it is bound to.
    """

    client_id: str
    scope: str
    expires_at: float
    x5t_s256: str


def verify(token: str, *, find_key: FindKey, issuer: str, now: float) -> AccessToken:
    """Check signature and claims of an access token.

    Args:
        token: JWS compact serialization (RFC 7515, section 3.1).
        find_key: the issuer's keys.
        issuer: the only ``iss`` that is accepted.
        now: seconds since the epoch.

    Raises:
        RefusedError: any doubt about the token.
    """
    if len(token) > MAXIMUM_TOKEN_LENGTH:
        raise RefusedError(Refusal.TOKEN_MALFORMED)
    segments = _COMPACT.fullmatch(token)
    if segments is None:
        raise RefusedError(Refusal.TOKEN_MALFORMED)
    header, payload, signature = (_decode(segment) for segment in segments.groups())
    key = find_key(_key_id(_members(header)))
    signed = token[: segments.end(2)].encode("ascii")
    try:
        key.verify(signature, signed, PKCS1v15(), SHA256())
    except InvalidSignature:
        raise RefusedError(Refusal.SIGNATURE_INVALID) from None
    return _access_token(_members(payload), issuer=issuer, now=now)


def _key_id(header: dict[str, Any]) -> str:
    if header.get("alg") != "RS256":
        raise RefusedError(Refusal.ALGORITHM_NOT_ALLOWED)
    if "crit" in header:  # no extension is understood here (RFC 7515, section 4.1.11)
        raise RefusedError(Refusal.TOKEN_MALFORMED)
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise RefusedError(Refusal.TOKEN_MALFORMED)
    key_id = header.get("kid")
    if not isinstance(key_id, str) or not 0 < len(key_id) <= _MAXIMUM_KEY_ID_LENGTH:
        raise RefusedError(Refusal.KEY_UNKNOWN)
    return key_id


def _access_token(claims: dict[str, Any], *, issuer: str, now: float) -> AccessToken:
    if claims.get("iss") != issuer:
        raise RefusedError(Refusal.ISSUER_WRONG)
    if claims.get("token_use") != "access":
        raise RefusedError(Refusal.TOKEN_USE_WRONG)
    expires_at = _time(claims, "exp")
    if now >= expires_at + LEEWAY_SECONDS:
        raise RefusedError(Refusal.TOKEN_EXPIRED)
    starts = [_time(claims, "iat")]
    if "nbf" in claims:
        starts.append(_time(claims, "nbf"))
    if now < max(starts) - LEEWAY_SECONDS:
        raise RefusedError(Refusal.TOKEN_NOT_YET_VALID)
    confirmation = claims.get("cnf")
    if not isinstance(confirmation, dict) or "x5t#S256" not in confirmation:
        raise RefusedError(Refusal.BINDING_MISSING)
    return AccessToken(
        client_id=_text(claims, "client_id"),
        scope=_text(claims, "scope"),
        expires_at=expires_at,
        x5t_s256=_text(confirmation, "x5t#S256"),
    )


def _decode(segment: str) -> bytes:
    """Base64url without padding, in its only spelling: unused bits of the last digit are zero."""
    try:
        data = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except ValueError:
        raise RefusedError(Refusal.TOKEN_MALFORMED) from None
    if base64.urlsafe_b64encode(data).rstrip(b"=") != segment.encode("ascii"):
        raise RefusedError(Refusal.TOKEN_MALFORMED)
    return data


def _members(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        raise RefusedError(Refusal.TOKEN_MALFORMED) from None
    if not isinstance(value, dict):
        raise RefusedError(Refusal.TOKEN_MALFORMED)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate member")
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


def _time(claims: dict[str, Any], name: str) -> float:
    """A NumericDate (RFC 7519, section 2). In Python a bool is an int too: not here."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise RefusedError(Refusal.CLAIM_MALFORMED)
    if not 0 <= value <= _MAXIMUM_TIME:
        raise RefusedError(Refusal.CLAIM_MALFORMED)
    return value


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value or not value.isascii() or not value.isprintable():
        raise RefusedError(Refusal.CLAIM_MALFORMED)
    return value
