"""Issuing: who holds this certificate, and which token is that client to get?"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from clientcert import (
    BindingStatement,
    RegistryRecord,
    UnusableCertificateError,
    fingerprint,
    presented_der,
    thumbprint,
    usable_record,
)
from mtls_token.oauth import IssuedToken, TokenRequest
from mtls_token.refusal import Refusal, RefusedError


@dataclass(frozen=True, slots=True)
class AppClient:
    """A Cognito app client's credentials. The secret never appears in a representation."""

    client_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CognitoGrant:
    """What Cognito answered.

    Attributes:
        access_token: the JWT.
        expires_in: lifetime in seconds.
    """

    access_token: str = field(repr=False)
    expires_in: int


class AppClients(Protocol):
    """Where app clients' secrets are kept."""

    def find(self, client_id: str) -> AppClient:
        """The app client's credentials, perhaps from memory."""

    def forget(self, client_id: str) -> None:
        """Let the next `find` ask again: the secret may have been rotated."""


class AskCognito(Protocol):
    """Cognito's token endpoint."""

    def __call__(
        self, client: AppClient, scopes: frozenset[str], metadata: Mapping[str, str]
    ) -> CognitoGrant:
        """Ask for a client_credentials token with client metadata for the trigger."""


@dataclass(frozen=True, slots=True)
class Issuance:
    """A token and whom it was issued to.

    Attributes:
        token: what the client receives.
        record: the client's certificate in the registry.
        nonce: also in the trigger's log.
    """

    token: IssuedToken
    record: RegistryRecord
    nonce: str


class Issuer:
    """Issues tokens; all that it needs is handed in."""

    def __init__(
        self,
        *,
        user_pool_id: str,
        find_record: Callable[[str], RegistryRecord | None],
        app_clients: AppClients,
        make_mac: Callable[[bytes], bytes],
        ask_cognito: AskCognito,
        now: Callable[[], float],
        make_nonce: Callable[[], str],
    ) -> None:
        self._user_pool_id = user_pool_id
        self._find_record = find_record
        self._app_clients = app_clients
        self._make_mac = make_mac
        self._ask_cognito = ask_cognito
        self._now = now
        self._make_nonce = make_nonce

    def issue(self, request: TokenRequest) -> Issuance:
        """A token bound to the request's certificate.

        Raises:
            RefusedError: there is none for this request.
        """
        try:
            return self._issue(request)
        except UnusableCertificateError as unusable:
            raise RefusedError(Refusal(unusable.reason.value)) from None

    def _issue(self, request: TokenRequest) -> Issuance:
        der = presented_der(request.pem)
        record = usable_record(self._find_record, fingerprint(der), self._now())
        if request.client_id not in (None, record.client_id):
            raise RefusedError(Refusal.CLIENT_MISMATCH)
        scopes = record.scopes if request.scopes is None else request.scopes
        if not scopes <= record.scopes:
            raise RefusedError(Refusal.SCOPE_NOT_GRANTED)
        statement = BindingStatement(
            x5t_s256=thumbprint(der),
            client_id=record.cognito_client_id,
            user_pool_id=self._user_pool_id,
            issued_at=int(self._now()),
            nonce=self._make_nonce(),
        )
        grant = self._grant(scopes, statement)
        granted = check_token(grant.access_token, statement, scopes)
        return Issuance(
            IssuedToken(grant.access_token, grant.expires_in, granted), record, statement.nonce
        )

    def _grant(self, scopes: frozenset[str], statement: BindingStatement) -> CognitoGrant:
        metadata = statement.to_metadata(self._make_mac(statement.message()))
        client = self._app_clients.find(statement.client_id)
        try:
            return self._ask_cognito(client, scopes, metadata)
        except RefusedError as refused:
            if refused.reason is not Refusal.COGNITO_REFUSED_CLIENT:
                raise
        self._app_clients.forget(statement.client_id)
        renewed = self._app_clients.find(statement.client_id)
        if renewed == client:
            raise RefusedError(Refusal.COGNITO_REFUSED_CLIENT)
        return self._ask_cognito(renewed, scopes, metadata)


def check_token(token: str, statement: BindingStatement, scopes: frozenset[str]) -> frozenset[str]:
    """Make sure that Cognito issued what was asked for, above all that it is bound.

    A pool without its trigger, or with another one, would issue tokens that any certificate
    could use. The signature needs no check: the token came from its issuer over TLS.

    Returns:
        The scopes that the token carries.

    Raises:
        RefusedError: it is not what was asked for.
    """
    claims = _claims(token)
    confirmation = claims.get("cnf")
    bound_to = confirmation.get("x5t#S256") if isinstance(confirmation, dict) else None
    if bound_to != statement.x5t_s256:
        raise RefusedError(Refusal.TOKEN_NOT_BOUND)
    scope = claims.get("scope")
    granted = frozenset(scope.split(" ")) if isinstance(scope, str) and scope else frozenset()
    if (
        claims.get("token_use") != "access"
        or claims.get("client_id") != statement.client_id
        or not granted
        or not granted <= scopes
    ):
        raise RefusedError(Refusal.TOKEN_UNEXPECTED)
    return granted


def _claims(token: str) -> dict[str, Any]:
    try:
        _header, payload, _signature = token.split(".")
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, RecursionError):
        raise RefusedError(Refusal.COGNITO_ANSWER_MALFORMED) from None
    if not isinstance(claims, dict):
        raise RefusedError(Refusal.COGNITO_ANSWER_MALFORMED)
    return claims
