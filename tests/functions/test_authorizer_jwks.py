"""The issuer's keys: rotation is seen, floods are not, an outage is bridged for a while."""

import json
from dataclasses import dataclass, field

import pytest
import urllib3
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from mtls_authorizer.jwks import (
    MAXIMUM_DOCUMENT_LENGTH,
    Freshness,
    KeySet,
    KeySetError,
    fetcher,
    parse_key_set,
)
from mtls_authorizer.refusal import Refusal, RefusedError
from tests.functions.support import Clocks, HttpServer, jwk, jwks, rsa_key

FIRST, SECOND = jwk(rsa_key(), "key-1"), jwk(rsa_key("second"), "key-2")
FRESHNESS = Freshness(maximum_age=3600, last_good=86400, cooldown=30, retry=1)


@dataclass
class Endpoint:
    """An issuer whose key set can change or be out of reach."""

    document: bytes = field(default_factory=lambda: jwks(FIRST))
    fails: bool = False
    fetches: int = 0

    def __call__(self) -> bytes:
        self.fetches += 1
        if self.fails:
            raise KeySetError("out of reach")
        return self.document


@dataclass
class Cached:
    """A key set over an endpoint and a clock, both under control."""

    endpoint: Endpoint = field(default_factory=Endpoint)
    clock: Clocks = field(default_factory=Clocks)
    failures: list[KeySetError] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.keys = KeySet(
            self.endpoint,
            clock=self.clock,
            on_failure=self.failures.append,
            freshness=FRESHNESS,
        )

    def has(self, key_id: str) -> bool:
        return isinstance(self.keys.find(key_id), RSAPublicKey)

    def refusal(self, key_id: str) -> Refusal:
        with pytest.raises(RefusedError) as refused:
            self.keys.find(key_id)
        return refused.value.reason


def test_keys_are_fetched_once() -> None:
    cached = Cached()

    for _ in range(100):
        found = cached.keys.find("key-1")

    assert found.public_numbers() == rsa_key().public_key().public_numbers()
    assert cached.endpoint.fetches == 1


def test_a_rotation_is_seen_at_the_first_token_of_the_new_key() -> None:
    cached = Cached()
    cached.keys.find("key-1")
    cached.clock.advance(31)
    cached.endpoint.document = jwks(FIRST, SECOND)

    assert cached.has("key-2")


def test_a_flood_of_unknown_key_ids_costs_one_fetch_a_cooldown() -> None:
    cached = Cached()
    cached.keys.find("key-1")

    for second in range(60):
        cached.clock.advance(1)
        assert cached.refusal(f"invented-{second}") is Refusal.KEY_UNKNOWN

    assert cached.endpoint.fetches == 1 + 2


def test_a_flood_does_not_disturb_the_known_key() -> None:
    cached = Cached()
    cached.keys.find("key-1")
    cached.endpoint.fails = True
    cached.clock.advance(31)
    cached.refusal("invented")

    assert cached.has("key-1")


def test_a_key_that_the_issuer_dropped_is_refused_after_the_next_fetch() -> None:
    cached = Cached()
    cached.keys.find("key-1")
    cached.endpoint.document = jwks(SECOND)
    cached.clock.advance(3600)

    assert cached.refusal("key-1") is Refusal.KEY_UNKNOWN


def test_the_last_good_keys_bridge_an_outage() -> None:
    cached = Cached()
    cached.keys.find("key-1")
    cached.endpoint.fails = True
    cached.clock.advance(3600)

    assert cached.has("key-1")
    assert [str(error) for error in cached.failures] == ["out of reach"]


def test_the_last_good_keys_do_not_serve_for_ever() -> None:
    cached = Cached()
    cached.keys.find("key-1")
    cached.endpoint.fails = True
    cached.clock.advance(86400)

    assert cached.refusal("key-1") is Refusal.KEYS_UNAVAILABLE


def test_an_outage_is_not_made_worse() -> None:
    cached = Cached()
    cached.keys.find("key-1")
    cached.endpoint.fails = True
    cached.clock.advance(3600)

    for _ in range(100):
        cached.keys.find("key-1")

    assert cached.endpoint.fetches == 2


def test_without_any_keys_every_token_is_refused() -> None:
    cached = Cached(Endpoint(fails=True))

    assert cached.refusal("key-1") is Refusal.KEYS_UNAVAILABLE


def test_without_any_keys_the_next_try_is_soon() -> None:
    # GIVEN a function that started during an outage
    cached = Cached(Endpoint(fails=True))
    cached.refusal("key-1")
    cached.endpoint.fails = False

    # WHEN it asks again at once, and a second later
    at_once = cached.refusal("key-1")
    cached.clock.advance(1)

    assert at_once is Refusal.KEYS_UNAVAILABLE
    assert cached.has("key-1")
    assert cached.endpoint.fetches == 2


class TestParsing:
    def test_keys_for_other_purposes_are_left_out(self) -> None:
        elliptic = {"kty": "EC", "crv": "P-256", "kid": "ec", "x": "AA", "y": "AA"}
        encryption = jwk(rsa_key(), "enc", use="enc")
        other_algorithm = jwk(rsa_key(), "rs512", alg="RS512")

        assert set(parse_key_set(jwks(elliptic, encryption, other_algorithm, SECOND))) == {"key-2"}

    @pytest.mark.parametrize(
        "document",
        [
            b"",
            b"null",
            b"[]",
            b"{}",
            b'{"keys": null}',
            b'{"keys": ["key-1"]}',
            b'{"keys": []}',
            b"[" * 100_000,
            b"\xff",
            jwks({**FIRST, "n": "AQAB"}),
            jwks({**FIRST, "n": 5}),  # type: ignore[dict-item]
            jwks({**FIRST, "e": "AA"}),
            jwks({"kty": "RSA", "kid": "key-1"}),
            jwks(FIRST, {**SECOND, "kid": "key-1"}),
            jwks(jwk(rsa_key("short", 1024), "key-1")),
        ],
    )
    def test_a_document_that_is_no_usable_key_set_is_refused(self, document: bytes) -> None:
        with pytest.raises(KeySetError):
            parse_key_set(document)


class TestFetching:
    def test_reads_the_document(self, http_server: HttpServer) -> None:
        http_server.body = jwks(FIRST)

        document = fetcher(urllib3.PoolManager(), f"{http_server.url}/pool/jwks.json")()

        assert json.loads(document) == {"keys": [FIRST]}
        assert [request[:2] for request in http_server.requests] == [("GET", "/pool/jwks.json")]

    def test_follows_no_redirect(self, http_server: HttpServer) -> None:
        http_server.status = 302
        http_server.headers = {"location": f"{http_server.url}/elsewhere"}

        with pytest.raises(KeySetError, match="302"):
            fetcher(urllib3.PoolManager(), f"{http_server.url}/jwks.json")()
        assert len(http_server.requests) == 1

    @pytest.mark.parametrize("status", [404, 500, 503])
    def test_an_error_answer_is_no_key_set(self, http_server: HttpServer, status: int) -> None:
        http_server.status = status
        http_server.body = jwks(FIRST)

        with pytest.raises(KeySetError, match=str(status)):
            fetcher(urllib3.PoolManager(), f"{http_server.url}/jwks.json")()

    def test_an_oversized_document_is_refused(self, http_server: HttpServer) -> None:
        http_server.body = b" " * (MAXIMUM_DOCUMENT_LENGTH + 1)

        with pytest.raises(KeySetError, match="oversized"):
            fetcher(urllib3.PoolManager(), f"{http_server.url}/jwks.json")()

    def test_an_endpoint_out_of_reach_is_an_error(self) -> None:
        with pytest.raises(KeySetError, match="no answer"):
            fetcher(urllib3.PoolManager(), "http://127.0.0.1:1/jwks.json")()
