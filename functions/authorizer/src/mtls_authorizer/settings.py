"""What the environment variables say."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from clientcert import SettingsError, cognito_url, required

MAXIMUM_CACHE_SECONDS = 2.0
"""The revocation target: a revoked certificate is refused within this time."""

_DEFAULT_CACHE_SECONDS = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The function's configuration.

    Attributes:
        issuer: the user pool's issuer URL, the token's ``iss``.
        jwks_uri: where its keys are fetched.
        registry_table: name of the registry's DynamoDB table.
        route_scopes: scope required by route key; a route not listed is refused.
        client_ids: Cognito app clients whose tokens are accepted.
        decision_cache_seconds: how long an allow may be repeated, 0 to 2.
    """

    issuer: str
    jwks_uri: str
    registry_table: str
    route_scopes: Mapping[str, str]
    client_ids: frozenset[str]
    decision_cache_seconds: float

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Read and check the variables.

        Raises:
            SettingsError: one is missing or wrong.
        """
        return cls(
            issuer=required(environ, "ISSUER"),
            jwks_uri=cognito_url(environ, "JWKS_URI"),
            registry_table=required(environ, "REGISTRY_TABLE"),
            route_scopes=_route_scopes(required(environ, "ROUTE_SCOPES")),
            client_ids=_client_ids(required(environ, "CLIENT_IDS")),
            decision_cache_seconds=_cache_seconds(
                environ.get("DECISION_CACHE_SECONDS") or _DEFAULT_CACHE_SECONDS
            ),
        )


def _route_scopes(text: str) -> Mapping[str, str]:
    value = _json("ROUTE_SCOPES", text)
    if not isinstance(value, dict) or not all(
        isinstance(scope, str) and scope for scope in value.values()
    ):
        raise SettingsError("ROUTE_SCOPES: a JSON object from route key to scope expected")
    return value


def _client_ids(text: str) -> frozenset[str]:
    value = _json("CLIENT_IDS", text)
    if not isinstance(value, list) or not all(isinstance(entry, str) and entry for entry in value):
        raise SettingsError("CLIENT_IDS: a JSON list of app client ids expected")
    return frozenset(value)


def _cache_seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= MAXIMUM_CACHE_SECONDS:
        raise SettingsError(f"DECISION_CACHE_SECONDS: 0 to {MAXIMUM_CACHE_SECONDS:g} expected")
    return seconds


def _json(name: str, text: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise SettingsError(f"{name}: not JSON") from error
