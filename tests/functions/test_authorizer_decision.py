"""The decision: token, certificate, registry and route must all agree."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from clientcert import MalformedRecordError, RegistryRecord
from mtls_authorizer.decision import (
    AuthorizationRequest,
    Authorizer,
    FindRecord,
    GrantCache,
    Identity,
)
from mtls_authorizer.jwt import AccessToken
from mtls_authorizer.refusal import Refusal, RefusedError
from tests.functions.support import (
    APP_CLIENT_ID,
    FINGERPRINT,
    NOW,
    NOW_SECONDS,
    RECORD,
    REVOKED,
    SERIAL_NUMBER,
    THUMBPRINT,
    Clock,
    Clocks,
    certificate_of,
    event,
    finder,
)

PEM = certificate_of(event("authorizer"))
OTHER_PEM = "-----BEGIN CERTIFICATE-----\nMAIFAA==\n-----END CERTIFICATE-----\n"
ACCESS = AccessToken(
    client_id=APP_CLIENT_ID,
    scope="api/read",
    expires_at=NOW_SECONDS + 900,
    x5t_s256=THUMBPRINT,
)
REQUEST = AuthorizationRequest("GET /whoami", ("Bearer TOKEN",), PEM)
IDENTITY = Identity("device-001", FINGERPRINT, "api/read", SERIAL_NUMBER)


@dataclass
class Verifier:
    """A verifier that knows what tokens say, and notes which it was asked about."""

    access: AccessToken = ACCESS
    asked: list[str] = field(default_factory=list)

    def __call__(self, token: str, now: float) -> AccessToken:
        self.asked.append(token)
        return self.access


@dataclass
class World:
    """An authorizer and all that it looks at."""

    access: AccessToken = ACCESS
    find_record: FindRecord = field(default_factory=lambda: finder(RECORD))
    cache_seconds: float = 1.0
    clock: Clock = field(default_factory=Clock)
    age: Clocks = field(default_factory=Clocks)
    lookups: int = 0

    def __post_init__(self) -> None:
        self.verifier = Verifier(self.access)
        self.authorizer = Authorizer(
            route_scopes={"GET /whoami": "api/read", "PUT /settings": "api/write"},
            client_ids=frozenset({APP_CLIENT_ID}),
            verify_token=self.verifier,
            find_record=self._find,
            grants=GrantCache(self.cache_seconds, clock=self.age),
            now=self.clock,
        )

    def _find(self, fingerprint: str) -> RegistryRecord | None:
        self.lookups += 1
        return self.find_record(fingerprint)

    def refusal(self, request: AuthorizationRequest = REQUEST) -> Refusal:
        with pytest.raises(RefusedError) as refused:
            self.authorizer.authorize(request)
        return refused.value.reason


def test_a_call_where_all_agrees_is_allowed() -> None:
    assert World().authorizer.authorize(REQUEST) == IDENTITY


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (replace(REQUEST, route_key="GET /admin"), Refusal.ROUTE_NOT_LISTED),
        (replace(REQUEST, route_key="get /whoami"), Refusal.ROUTE_NOT_LISTED),
        (replace(REQUEST, route_key=""), Refusal.ROUTE_NOT_LISTED),
        (replace(REQUEST, route_key="PUT /settings"), Refusal.SCOPE_INSUFFICIENT),
        (replace(REQUEST, pem=None), Refusal.CERTIFICATE_MISSING),
        (replace(REQUEST, pem="no certificate"), Refusal.CERTIFICATE_MALFORMED),
        (replace(REQUEST, pem=OTHER_PEM), Refusal.BINDING_MISMATCH),
        (replace(REQUEST, authorizations=()), Refusal.TOKEN_MISSING),
    ],
)
def test_a_request_that_does_not_fit_is_refused(
    request_: AuthorizationRequest, reason: Refusal
) -> None:
    assert World().refusal(request_) is reason


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer "])
def test_the_scheme_is_read_without_case(scheme: str) -> None:
    world = World()

    world.authorizer.authorize(replace(REQUEST, authorizations=(f"{scheme} TOKEN",)))

    assert world.verifier.asked == ["TOKEN"]


@pytest.mark.parametrize(
    "authorizations",
    [
        ("Bearer TOKEN", "Bearer TOKEN"),
        ("Bearer TOKEN,Bearer OTHER",),
        ("Bearer TOKEN, Bearer OTHER",),
        ("Bearer",),
        ("Bearer ",),
        ("TOKEN",),
        ("Basic dXNlcjpwYXNz",),
        ("DPoP TOKEN",),
        ("Bearer TOKEN trailing",),
        ("Bearer\tTOKEN",),
        ("Bearer TOKEN\n",),
        ("Bearer TOKÉN",),
        ("",),
    ],
)
def test_anything_but_one_bearer_token_is_refused(authorizations: tuple[str, ...]) -> None:
    world = World()

    assert world.refusal(replace(REQUEST, authorizations=authorizations)) is (
        Refusal.AUTHORIZATION_MALFORMED
    )
    assert world.verifier.asked == []


@pytest.mark.parametrize(
    ("access", "reason"),
    [
        ({"client_id": "another-app-client"}, Refusal.CLIENT_NOT_ALLOWED),
        ({"x5t_s256": "A" * 43}, Refusal.BINDING_MISMATCH),
        ({"x5t_s256": THUMBPRINT + "="}, Refusal.BINDING_MISMATCH),
        ({"x5t_s256": THUMBPRINT.lower()}, Refusal.BINDING_MISMATCH),
        ({"scope": "api/read api/admin"}, Refusal.SCOPE_NOT_GRANTED),
        ({"scope": "api/read  api/write"}, Refusal.SCOPE_NOT_GRANTED),
        ({"scope": "api/write"}, Refusal.SCOPE_INSUFFICIENT),
    ],
)
def test_a_token_that_does_not_fit_is_refused(access: dict[str, Any], reason: Refusal) -> None:
    assert World(access=replace(ACCESS, **access)).refusal() is reason


def _malformed(fingerprint: str) -> RegistryRecord | None:
    raise MalformedRecordError("status: one of active, revoked expected")


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
        (
            finder(replace(RECORD, not_after=NOW - timedelta(seconds=1))),
            Refusal.CERTIFICATE_OUTSIDE_VALIDITY,
        ),
        (finder(replace(RECORD, cognito_client_id="another")), Refusal.CLIENT_MISMATCH),
        (finder(replace(RECORD, scopes=frozenset({"api/write"}))), Refusal.SCOPE_NOT_GRANTED),
        (_malformed, Refusal.RECORD_MALFORMED),
    ],
)
def test_a_record_that_does_not_fit_is_refused(find_record: FindRecord, reason: Refusal) -> None:
    assert World(find_record=find_record).refusal() is reason


class TestRepeatedCalls:
    def test_within_the_cache_time_the_registry_is_not_asked_again(self) -> None:
        world = World()

        for _ in range(10):
            assert world.authorizer.authorize(REQUEST) == IDENTITY
        assert world.lookups == 1

    def test_a_revocation_is_noticed_after_the_cache_time(self) -> None:
        world = World()
        world.authorizer.authorize(REQUEST)
        world.find_record = finder(REVOKED)
        world.age.advance(1.0)

        assert world.refusal() is Refusal.CERTIFICATE_REVOKED

    def test_a_revocation_is_noticed_although_uptime_stood_still(self) -> None:
        # GIVEN an execution environment that was frozen: only the wall clock went on
        world = World()
        world.authorizer.authorize(REQUEST)
        world.find_record = finder(REVOKED)
        world.age.wall += 600

        assert world.refusal() is Refusal.CERTIFICATE_REVOKED

    def test_a_revocation_is_noticed_although_the_wall_clock_was_set_back(self) -> None:
        world = World()
        world.authorizer.authorize(REQUEST)
        world.find_record = finder(REVOKED)
        world.age.wall -= 1

        assert world.refusal() is Refusal.CERTIFICATE_REVOKED

    def test_a_refusal_is_not_remembered(self) -> None:
        world = World(find_record=finder(None))
        world.refusal()
        world.find_record = finder(RECORD)

        assert world.authorizer.authorize(REQUEST) == IDENTITY

    def test_a_remembered_allow_does_not_serve_another_certificate(self) -> None:
        world = World()
        world.authorizer.authorize(REQUEST)

        assert world.refusal(replace(REQUEST, pem=OTHER_PEM)) is Refusal.BINDING_MISMATCH

    def test_a_remembered_allow_does_not_serve_another_token(self) -> None:
        world = World()
        world.authorizer.authorize(REQUEST)

        world.authorizer.authorize(replace(REQUEST, authorizations=("Bearer OTHER",)))

        assert world.verifier.asked == ["TOKEN", "OTHER"]

    def test_a_remembered_allow_does_not_open_another_route(self) -> None:
        world = World()
        world.authorizer.authorize(REQUEST)

        assert world.refusal(replace(REQUEST, route_key="PUT /settings")) is (
            Refusal.SCOPE_INSUFFICIENT
        )

    def test_a_remembered_allow_ends_with_the_token(self) -> None:
        world = World(access=replace(ACCESS, expires_at=NOW_SECONDS + 0.5), cache_seconds=2)
        world.authorizer.authorize(REQUEST)
        world.clock.advance(0.5)
        world.authorizer.authorize(REQUEST)

        assert world.verifier.asked == ["TOKEN", "TOKEN"]

    def test_a_remembered_allow_ends_with_the_certificate(self) -> None:
        ending = replace(RECORD, not_after=NOW + timedelta(seconds=1))
        world = World(find_record=finder(ending), cache_seconds=2)
        world.authorizer.authorize(REQUEST)
        world.clock.advance(1.5)

        assert world.refusal() is Refusal.CERTIFICATE_OUTSIDE_VALIDITY

    def test_the_age_counts_from_before_the_registry_was_read(self) -> None:
        # GIVEN a registry that takes 0.8 s to answer
        world = World()

        def slow(fingerprint: str) -> RegistryRecord | None:
            world.age.advance(0.8)
            return RECORD

        world.find_record = slow
        world.authorizer.authorize(REQUEST)

        # WHEN 0.3 s have passed since its answer, 1.1 s since it was asked
        world.age.advance(0.3)
        world.authorizer.authorize(REQUEST)

        assert world.lookups == 2

    def test_without_cache_time_nothing_is_remembered(self) -> None:
        world = World(cache_seconds=0)

        for _ in range(3):
            world.authorizer.authorize(REQUEST)
        assert world.lookups == 3

    def test_memory_is_bounded(self) -> None:
        world = World()
        tokens = [f"T{number}" for number in range(1025)]
        _authorize_all(world, tokens)

        # WHEN the newest and the oldest come again
        _authorize_all(world, [tokens[-1], tokens[0]])

        assert world.verifier.asked == [*tokens, tokens[0]]


def _authorize_all(world: World, tokens: Iterable[str]) -> None:
    for token in tokens:
        world.authorizer.authorize(replace(REQUEST, authorizations=(f"Bearer {token}",)))


class TestReadingTheEvent:
    def test_takes_route_token_and_certificate(self) -> None:
        assert AuthorizationRequest.from_event(event("authorizer")) == REQUEST

    def test_finds_the_header_in_any_case(self) -> None:
        request = event("authorizer")
        request["headers"]["AUTHORIZATION"] = "Bearer OTHER"

        read = AuthorizationRequest.from_event(request)

        assert sorted(read.authorizations) == ["Bearer OTHER", "Bearer TOKEN"]

    @pytest.mark.parametrize("empty", [{}, {"headers": None, "routeKey": None}])
    def test_reads_an_empty_event_as_an_empty_request(self, empty: dict[str, Any]) -> None:
        read = AuthorizationRequest.from_event(empty)

        assert read.authorizations == ()
        assert read.pem is None
        assert World().refusal(read) is Refusal.ROUTE_NOT_LISTED


def test_the_other_certificate_is_well_formed() -> None:
    """Or the tests above would refuse it for another reason."""
    assert base64.b64decode("MAIFAA==") == b"\x30\x02\x05\x00"
