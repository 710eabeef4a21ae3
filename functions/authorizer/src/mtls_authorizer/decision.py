"""The decision: does this token, over this certificate, open this route?"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from clientcert import (
    Clock,
    Moment,
    RegistryRecord,
    UnusableCertificateError,
    certificate_pem,
    fingerprint,
    presented_der,
    usable_record,
)
from mtls_authorizer.jwt import AccessToken
from mtls_authorizer.refusal import Refusal, RefusedError

_MAXIMUM_GRANTS = 1024
_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.ASCII | re.IGNORECASE)

type VerifyToken = Callable[[str, float], AccessToken]
"""From a token and the time (seconds since the epoch) to what the token says."""

type FindRecord = Callable[[str], RegistryRecord | None]
"""From a fingerprint to the certificate's record."""


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What the decision rests on, as it came.

    Attributes:
        route_key: API Gateway's route key, such as ``GET /whoami``.
        authorizations: every Authorization header's value.
        pem: the client certificate, or None without mutual TLS.
    """

    route_key: str
    authorizations: tuple[str, ...]
    pem: str | None

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> Self:
        """Read a REQUEST authorizer event, payload format 2.0."""
        headers = event.get("headers") or {}
        return cls(
            route_key=str(event.get("routeKey", "")),
            authorizations=tuple(
                str(value) for name, value in headers.items() if name.lower() == "authorization"
            ),
            pem=certificate_pem(event),
        )


@dataclass(frozen=True, slots=True)
class Identity:
    """Who calls: the context that the integration receives.

    Attributes:
        client_id: the device's name in the registry.
        fingerprint: SHA-256 of the certificate's DER, lower-case hexadecimal.
        scope: the token's scopes, space-separated.
        serial_number: the certificate's, a decimal string.
    """

    client_id: str
    fingerprint: str
    scope: str
    serial_number: str


@dataclass(frozen=True, slots=True)
class Grant:
    """A token and a certificate that belong together, until one of them ends.

    Attributes:
        identity: who holds them.
        scopes: what the token allows.
        ends_at: seconds since the epoch; the earlier of the two ends.
    """

    identity: Identity
    scopes: frozenset[str]
    ends_at: float


class GrantCache:
    """Grants by certificate and token, for a moment: how long a revocation may go unnoticed.

    Refusals are not kept. API Gateway's own cache is off because its key would not hold the
    certificate.
    """

    def __init__(self, seconds: float, *, clock: Clock) -> None:
        self._seconds = seconds
        self._clock = clock
        self._grants: dict[tuple[str, bytes], tuple[Moment, Grant]] = {}

    def get(self, key: tuple[str, bytes], now: float) -> Grant | None:
        """The grant, unless it is older than the cache allows or at its end."""
        found = self._grants.get(key)
        if found is None:
            return None
        decided_at, grant = found
        if self._clock().seconds_since(decided_at) >= self._seconds or now >= grant.ends_at:
            del self._grants[key]
            return None
        return grant

    def put(self, key: tuple[str, bytes], grant: Grant, decided_at: Moment) -> None:
        """Keep a grant; the oldest makes room."""
        if self._seconds <= 0:
            return
        self._grants.pop(key, None)
        if len(self._grants) >= _MAXIMUM_GRANTS:
            del self._grants[next(iter(self._grants))]
        self._grants[key] = (decided_at, grant)

    def moment(self) -> Moment:
        """The moment from which a grant's age counts."""
        return self._clock()


class Authorizer:
    """Decides on calls; all that it needs is handed in."""

    def __init__(
        self,
        *,
        route_scopes: Mapping[str, str],
        client_ids: frozenset[str],
        verify_token: VerifyToken,
        find_record: FindRecord,
        grants: GrantCache,
        now: Callable[[], float],
    ) -> None:
        self._route_scopes = route_scopes
        self._client_ids = client_ids
        self._verify_token = verify_token
        self._find_record = find_record
        self._grants = grants
        self._now = now

    def authorize(self, request: AuthorizationRequest) -> Identity:
        """Who calls, if the call is allowed.

        Raises:
            RefusedError: it is not.
        """
        try:
            return self._authorize(request)
        except UnusableCertificateError as unusable:
            raise RefusedError(Refusal(unusable.reason.value)) from None

    def _authorize(self, request: AuthorizationRequest) -> Identity:
        scope = self._route_scopes.get(request.route_key)
        if scope is None:
            raise RefusedError(Refusal.ROUTE_NOT_LISTED)
        digest = fingerprint(presented_der(request.pem))
        token = _bearer_token(request.authorizations)
        grant = self._grant(digest, token)
        if scope not in grant.scopes:
            raise RefusedError(Refusal.SCOPE_INSUFFICIENT)
        return grant.identity

    def _grant(self, digest: str, token: str) -> Grant:
        now = self._now()
        key = (digest, hashlib.sha256(token.encode("ascii")).digest())
        grant = self._grants.get(key, now)
        if grant is None:
            # The age counts from before the registry is read: a revocation written while the
            # answer travels must not live longer for it.
            decided_at = self._grants.moment()
            grant = self._decide(digest, token, now)
            self._grants.put(key, grant, decided_at)
        return grant

    def _decide(self, digest: str, token: str, now: float) -> Grant:
        access = self._verify_token(token, now)
        if access.client_id not in self._client_ids:
            raise RefusedError(Refusal.CLIENT_NOT_ALLOWED)
        if not _is_bound(access, digest):
            raise RefusedError(Refusal.BINDING_MISMATCH)
        record = usable_record(self._find_record, digest, now)
        if access.client_id != record.cognito_client_id:
            raise RefusedError(Refusal.CLIENT_MISMATCH)
        scopes = frozenset(access.scope.split(" "))
        if not scopes <= record.scopes:
            raise RefusedError(Refusal.SCOPE_NOT_GRANTED)
        return Grant(
            identity=Identity(
                client_id=record.client_id,
                fingerprint=record.fingerprint,
                scope=access.scope,
                serial_number=record.serial_number,
            ),
            scopes=scopes,
            ends_at=min(access.expires_at, record.usable_until.timestamp()),
        )


def _bearer_token(authorizations: tuple[str, ...]) -> str:
    """The token of exactly one Authorization header (RFC 6750, section 2.1).

    API Gateway joins repeated headers with a comma, which no token holds.
    """
    if not authorizations:
        raise RefusedError(Refusal.TOKEN_MISSING)
    match = _BEARER.fullmatch(authorizations[0]) if len(authorizations) == 1 else None
    if match is None:
        raise RefusedError(Refusal.AUTHORIZATION_MALFORMED)
    return match.group(1)


def _is_bound(access: AccessToken, digest: str) -> bool:
    """Whether the token names this certificate (RFC 8705, section 3.1), in constant time."""
    x5t_s256 = base64.urlsafe_b64encode(bytes.fromhex(digest)).rstrip(b"=")
    return hmac.compare_digest(access.x5t_s256.encode("ascii"), x5t_s256)
