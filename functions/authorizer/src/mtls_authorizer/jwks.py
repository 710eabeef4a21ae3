"""The issuer's public keys (RFC 7517), cached so that rotation is seen and floods are not."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import urllib3
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers

from clientcert import Clock, Moment
from mtls_authorizer.refusal import Refusal, RefusedError

MAXIMUM_DOCUMENT_LENGTH = 64 * 1024
"""Bytes."""

_MINIMUM_KEY_BITS = 2048
_MAXIMUM_KEY_BITS = 8192


class KeySetError(Exception):
    """The key set could not be had, or holds no usable key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How old keys may grow; all in seconds.

    Attributes:
        maximum_age: after this the keys are fetched again.
        last_good: for this long keys are used while the endpoint fails.
        cooldown: between two fetches, whatever the tokens ask for.
        retry: between two fetches while there are no keys at all.
    """

    maximum_age: float = 3600
    last_good: float = 24 * 3600
    cooldown: float = 30
    retry: float = 1


class KeySet:
    """Keys by key id, fetched when needed.

    An unknown key id may be a rotation, so it triggers a fetch; it may also be an attack, so
    fetches keep their distance: a flood of invented key ids costs one fetch a cooldown.
    """

    def __init__(
        self,
        fetch: Callable[[], bytes],
        *,
        clock: Clock,
        on_failure: Callable[[KeySetError], None],
        freshness: Freshness = Freshness(),
    ) -> None:
        self._fetch = fetch
        self._on_failure = on_failure
        self._clock = clock
        self._freshness = freshness
        self._keys: Mapping[str, RSAPublicKey] = MappingProxyType({})
        self._fetched_at: Moment | None = None
        self._tried_at: Moment | None = None

    def find(self, key_id: str) -> RSAPublicKey:
        """The key with this id.

        Raises:
            RefusedError: the issuer has no such key, or its keys cannot be had.
        """
        now = self._clock()
        if self._age(now) >= self._freshness.maximum_age or key_id not in self._keys:
            self._refresh(now)
        if self._age(now) >= self._freshness.last_good:
            raise RefusedError(Refusal.KEYS_UNAVAILABLE)
        try:
            return self._keys[key_id]
        except KeyError:
            raise RefusedError(Refusal.KEY_UNKNOWN) from None

    def _age(self, now: Moment) -> float:
        return float("inf") if self._fetched_at is None else now.seconds_since(self._fetched_at)

    def _refresh(self, now: Moment) -> None:
        wait = self._freshness.retry if self._fetched_at is None else self._freshness.cooldown
        if self._tried_at is not None and now.seconds_since(self._tried_at) < wait:
            return
        self._tried_at = now
        try:
            self._keys = parse_key_set(self._fetch())
        except KeySetError as error:
            self._on_failure(error)  # the last good keys serve on; how long, `find` decides
            return
        self._fetched_at = now


def parse_key_set(document: bytes) -> Mapping[str, RSAPublicKey]:
    """The RS256 verification keys of a JWK set; keys for other purposes are left out.

    Raises:
        KeySetError: no JWK set, an ambiguous one, or no usable key in it.
    """
    try:
        entries = json.loads(document)["keys"]
        usable = [entry for entry in entries if _is_rs256_key(entry)]
        keys = {entry["kid"]: _public_key(entry) for entry in usable}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise KeySetError("not a JWK set") from error
    if len(keys) != len(usable):
        raise KeySetError("two keys share a key id")
    if not keys:
        raise KeySetError("no RS256 key")
    return MappingProxyType(keys)


def fetcher(pool: urllib3.PoolManager, url: str) -> Callable[[], bytes]:
    """A function that reads the key set from its URL: short time-outs, no redirects, no retries."""

    def fetch() -> bytes:
        try:
            response = pool.request(
                "GET",
                url,
                headers={"Accept": "application/json"},
                timeout=urllib3.Timeout(connect=1, read=2),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            try:
                document = response.read(MAXIMUM_DOCUMENT_LENGTH + 1, decode_content=True)
            finally:
                response.close()
        except urllib3.exceptions.HTTPError as error:
            raise KeySetError(f"no answer: {type(error).__name__}") from error
        if response.status != 200:
            raise KeySetError(f"HTTP status {response.status}")
        if len(document) > MAXIMUM_DOCUMENT_LENGTH:
            raise KeySetError("oversized")
        return document

    return fetch


def _is_rs256_key(entry: Mapping[str, Any]) -> bool:
    return (
        entry.get("kty") == "RSA"
        and entry.get("alg", "RS256") == "RS256"
        and entry.get("use", "sig") == "sig"
        and isinstance(entry.get("kid"), str)
    )


def _public_key(entry: Mapping[str, Any]) -> RSAPublicKey:
    modulus, exponent = _number(entry["n"]), _number(entry["e"])
    if not _MINIMUM_KEY_BITS <= modulus.bit_length() <= _MAXIMUM_KEY_BITS:
        raise KeySetError(f"an RSA key of {modulus.bit_length()} bits")
    return RSAPublicNumbers(exponent, modulus).public_key()


def _number(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
