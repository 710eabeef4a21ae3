"""What the environment variables say."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from clientcert import SettingsError, cognito_url, required


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The function's configuration.

    Attributes:
        registry_table: name of the registry's DynamoDB table.
        token_endpoint: URL of Cognito's token endpoint.
        secret_prefix: app clients' secrets are named ``<prefix>/<client id>``.
        binding_key_id: KMS HMAC key that signs binding statements.
        domain_name: the API's custom domain name.
        scopes_supported: for the server's metadata.
        jwks_uri: the user pool's key set, for the server's metadata.
        user_pool_id: the pool whose key set that is.
    """

    registry_table: str
    token_endpoint: str
    secret_prefix: str
    binding_key_id: str
    domain_name: str
    scopes_supported: tuple[str, ...]
    jwks_uri: str
    user_pool_id: str

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Read and check the variables.

        Raises:
            SettingsError: one is missing or wrong.
        """
        jwks_uri = required(environ, "JWKS_URI")
        return cls(
            registry_table=required(environ, "REGISTRY_TABLE"),
            token_endpoint=cognito_url(environ, "COGNITO_TOKEN_ENDPOINT"),
            secret_prefix=required(environ, "APP_CLIENT_SECRET_PREFIX"),
            binding_key_id=required(environ, "BINDING_KEY_ID"),
            domain_name=required(environ, "API_DOMAIN_NAME"),
            scopes_supported=_scopes(required(environ, "SCOPES_SUPPORTED")),
            jwks_uri=jwks_uri,
            user_pool_id=_user_pool_id(jwks_uri),
        )


def _user_pool_id(jwks_uri: str) -> str:
    """The first path segment of ``https://cognito-idp.<region>.amazonaws.com/<pool id>/...``."""
    segments = urlsplit(jwks_uri).path.split("/")
    if len(segments) != 4 or not segments[1] or segments[2:] != [".well-known", "jwks.json"]:
        raise SettingsError("JWKS_URI: a user pool's .well-known/jwks.json expected")
    return segments[1]


def _scopes(text: str) -> tuple[str, ...]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise SettingsError("SCOPES_SUPPORTED: not JSON") from error
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise SettingsError("SCOPES_SUPPORTED: a JSON list of scopes expected")
    return tuple(value)
