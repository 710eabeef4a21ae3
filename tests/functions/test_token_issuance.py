"""Issuing: the certificate decides who the client is, and the token must be bound to it."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from clientcert import (
    BindingStatement,
    MalformedRecordError,
    RegistryRecord,
    SignedStatement,
)
from mtls_token.issuance import AppClient, CognitoGrant, Issuance, Issuer
from mtls_token.oauth import IssuedToken, TokenRequest
from mtls_token.refusal import Refusal, RefusedError
from tests.functions.support import (
    APP_CLIENT_ID,
    APP_CLIENT_SECRET,
    CLAIMS,
    NOW,
    NOW_SECONDS,
    RECORD,
    REVOKED,
    THUMBPRINT,
    USER_POOL_ID,
    Clock,
    base64url,
    certificate_of,
    event,
    finder,
    sign,
    without,
)

ALL = TokenRequest(None, None, certificate_of(event("token")))
READ = replace(ALL, scopes=frozenset({"api/read"}))
NONCE = "n" * 22


def make_mac(message: bytes) -> bytes:
    return hashlib.sha256(b"key" + message).digest()


@dataclass
class Secrets:
    """App clients' secrets; `forget` lets the rotated ones be seen."""

    current: AppClient = field(default_factory=lambda: AppClient(APP_CLIENT_ID, APP_CLIENT_SECRET))
    rotated: AppClient | None = None

    def find(self, client_id: str) -> AppClient:
        assert client_id == APP_CLIENT_ID
        return self.current

    def forget(self, client_id: str) -> None:
        self.current = self.rotated or self.current


@dataclass
class Cognito:
    """A user pool with our trigger: its tokens carry what the metadata states."""

    secret: str = APP_CLIENT_SECRET
    claims: Callable[[dict[str, Any]], dict[str, Any]] = lambda claims: claims
    asked: list[tuple[frozenset[str], Mapping[str, str]]] = field(default_factory=list)

    def __call__(
        self, client: AppClient, scopes: frozenset[str], metadata: Mapping[str, str]
    ) -> CognitoGrant:
        self.asked.append((scopes, metadata))
        if client.secret != self.secret:
            raise RefusedError(Refusal.COGNITO_REFUSED_CLIENT)
        claims = {
            **CLAIMS,
            "scope": " ".join(sorted(scopes)),
            "cnf": {"x5t#S256": metadata["x5t_s256"]},
        }
        return CognitoGrant(sign(self.claims(claims)), 900)


@dataclass
class World:
    """An issuer and all that stands behind it."""

    find_record: Callable[[str], RegistryRecord | None] = field(
        default_factory=lambda: finder(RECORD)
    )
    cognito: Cognito = field(default_factory=Cognito)
    secrets: Secrets = field(default_factory=Secrets)

    def issue(self, request: TokenRequest = READ) -> Issuance:
        return Issuer(
            user_pool_id=USER_POOL_ID,
            find_record=self.find_record,
            app_clients=self.secrets,
            make_mac=make_mac,
            ask_cognito=self.cognito,
            now=Clock(NOW_SECONDS + 0.7),
            make_nonce=lambda: NONCE,
        ).issue(request)

    def refusal(self, request: TokenRequest = READ) -> Refusal:
        with pytest.raises(RefusedError) as refused:
            self.issue(request)
        return refused.value.reason


def test_a_known_certificate_gets_a_token_for_what_it_asked() -> None:
    issuance = World().issue(READ)

    assert issuance.token == IssuedToken(issuance.token.access_token, 900, frozenset({"api/read"}))
    assert issuance.record == RECORD
    assert issuance.nonce == NONCE


def test_without_a_scope_it_gets_all_that_it_may_have() -> None:
    assert World().issue(ALL).token.scopes == RECORD.scopes


def test_cognito_is_told_which_certificate_under_a_mac() -> None:
    world = World()

    world.issue(READ)

    [(scopes, metadata)] = world.cognito.asked
    signed = SignedStatement.from_metadata(metadata)
    assert scopes == {"api/read"}
    assert signed.statement == BindingStatement(
        x5t_s256=THUMBPRINT,
        client_id=APP_CLIENT_ID,
        user_pool_id=USER_POOL_ID,
        issued_at=int(NOW_SECONDS),
        nonce=NONCE,
    )
    assert signed.mac == make_mac(signed.statement.message())


def _malformed(fingerprint: str) -> RegistryRecord | None:
    raise MalformedRecordError("scopes: string set expected")


@pytest.mark.parametrize(
    ("find_record", "reason"),
    [
        (finder(None), Refusal.CERTIFICATE_UNKNOWN),
        (finder(REVOKED), Refusal.CERTIFICATE_REVOKED),
        (finder(replace(RECORD, retires_at=NOW)), Refusal.CERTIFICATE_RETIRED),
        (
            finder(replace(RECORD, not_before=NOW + timedelta(seconds=1))),
            Refusal.CERTIFICATE_OUTSIDE_VALIDITY,
        ),
        (finder(replace(RECORD, not_after=NOW)), Refusal.CERTIFICATE_OUTSIDE_VALIDITY),
        (_malformed, Refusal.RECORD_MALFORMED),
    ],
)
def test_a_record_that_does_not_fit_is_refused(
    find_record: Callable[[str], RegistryRecord | None], reason: Refusal
) -> None:
    world = World(find_record=find_record)

    assert world.refusal() is reason
    assert world.cognito.asked == []


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (replace(READ, pem=None), Refusal.CERTIFICATE_MISSING),
        (replace(READ, pem="no certificate"), Refusal.CERTIFICATE_MALFORMED),
        (replace(READ, client_id="device-002"), Refusal.CLIENT_MISMATCH),
        (replace(READ, client_id=APP_CLIENT_ID), Refusal.CLIENT_MISMATCH),
        (replace(READ, scopes=frozenset({"api/admin"})), Refusal.SCOPE_NOT_GRANTED),
        (replace(READ, scopes=frozenset({"api/read", "api/admin"})), Refusal.SCOPE_NOT_GRANTED),
    ],
)
def test_a_request_that_does_not_fit_is_refused(request_: TokenRequest, reason: Refusal) -> None:
    world = World()

    assert world.refusal(request_) is reason
    assert world.cognito.asked == []


def test_the_client_may_name_itself() -> None:
    assert World().issue(replace(READ, client_id="device-001")).record == RECORD


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        (lambda claims: without(claims, "cnf"), Refusal.TOKEN_NOT_BOUND),
        (lambda claims: {**claims, "cnf": None}, Refusal.TOKEN_NOT_BOUND),
        (lambda claims: {**claims, "cnf": {"x5t#S256": "A" * 43}}, Refusal.TOKEN_NOT_BOUND),
        (lambda claims: {**claims, "token_use": "id"}, Refusal.TOKEN_UNEXPECTED),
        (lambda claims: {**claims, "client_id": "another"}, Refusal.TOKEN_UNEXPECTED),
        (lambda claims: {**claims, "scope": "api/read api/admin"}, Refusal.TOKEN_UNEXPECTED),
        (lambda claims: {**claims, "scope": ""}, Refusal.TOKEN_UNEXPECTED),
        (lambda claims: without(claims, "scope"), Refusal.TOKEN_UNEXPECTED),
    ],
)
def test_a_token_that_is_not_what_was_asked_for_is_not_handed_out(
    claims: Callable[[dict[str, Any]], dict[str, Any]], reason: Refusal
) -> None:
    assert World(cognito=Cognito(claims=claims)).refusal() is reason


@pytest.mark.parametrize(
    "token",
    ["", "opaque", "a.b", "a.%%%.c", f"a.{base64url(b'[]')}.c", f"a.{base64url(b'[' * 9999)}.c"],
)
def test_a_token_that_is_none_is_not_handed_out(token: str) -> None:
    world = World()
    world.cognito = lambda client, scopes, metadata: CognitoGrant(token, 900)  # type: ignore[assignment]

    assert world.refusal() is Refusal.COGNITO_ANSWER_MALFORMED


def test_a_rotated_secret_is_read_again_at_once() -> None:
    world = World(
        cognito=Cognito(secret="rotated"),
        secrets=Secrets(rotated=AppClient(APP_CLIENT_ID, "rotated")),
    )

    assert world.issue().token.scopes == {"api/read"}


def test_a_secret_that_stays_wrong_is_tried_once() -> None:
    world = World(cognito=Cognito(secret="something else"))

    assert world.refusal() is Refusal.COGNITO_REFUSED_CLIENT
    assert len(world.cognito.asked) == 1


def test_a_secret_is_not_shown() -> None:
    client = AppClient(APP_CLIENT_ID, APP_CLIENT_SECRET)

    assert APP_CLIENT_SECRET not in repr(client)
    assert json.dumps(CLAIMS) not in repr(CognitoGrant(sign(), 900))
