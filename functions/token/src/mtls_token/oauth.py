"""OAuth on the wire: the token request, its answers and the server's metadata."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qsl

from clientcert import certificate_pem
from mtls_token.refusal import ERRORS, OAuthError, Refusal, RefusedError

MAXIMUM_BODY_LENGTH = 8192
"""Bytes, before and after base64."""

_MAXIMUM_PARAMETERS = 20
_FORM = "application/x-www-form-urlencoded"
_SCOPES = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+(?: [\x21\x23-\x5B\x5D-\x7E]+)*")
_PORT = re.compile(r":(?!443\Z)[1-9][0-9]{0,4}", re.ASCII)
_OTHER_AUTHENTICATION = ("client_secret", "client_assertion", "client_assertion_type")

# RFC 6749, section 5.1: neither the token nor an error about it may be stored on the way.
_NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}

_ANSWERS = {
    OAuthError.INVALID_REQUEST: (400, "The request is malformed."),
    OAuthError.INVALID_CLIENT: (401, "The client certificate was not accepted."),
    OAuthError.INVALID_SCOPE: (400, "The scope is malformed or not granted to this client."),
    OAuthError.UNSUPPORTED_GRANT_TYPE: (400, "Only client_credentials is supported."),
    OAuthError.SERVER_ERROR: (500, "The server could not issue a token."),
    OAuthError.TEMPORARILY_UNAVAILABLE: (503, "Try again later."),
}

type Answer = dict[str, Any]
"""A Lambda proxy answer, payload format 2.0."""


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A well-formed client_credentials request (RFC 6749, section 4.4.2).

    Attributes:
        scopes: what was asked for; None means all that the client may have.
        client_id: as the client names itself, if it does.
        pem: the client certificate, or None without mutual TLS.
    """

    scopes: frozenset[str] | None
    client_id: str | None
    pem: str | None

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> Self:
        """Read an HTTP API event, payload format 2.0.

        Raises:
            RefusedError: the request is not one for this endpoint.
        """
        headers = _headers(event)
        # The certificate is the credential; a second one is an error (RFC 6749, section 2.3).
        if "authorization" in headers:
            raise RefusedError(Refusal.OTHER_CLIENT_AUTHENTICATION)
        if event.get("rawQueryString"):
            raise RefusedError(Refusal.QUERY_NOT_ALLOWED)
        if headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
            raise RefusedError(Refusal.CONTENT_TYPE_WRONG)
        parameters = _parameters(_body(event))
        if any(name in parameters for name in _OTHER_AUTHENTICATION):
            raise RefusedError(Refusal.OTHER_CLIENT_AUTHENTICATION)
        grant_type = parameters.get("grant_type")
        if grant_type is None:
            raise RefusedError(Refusal.GRANT_TYPE_MISSING)
        if grant_type != "client_credentials":
            raise RefusedError(Refusal.GRANT_TYPE_UNSUPPORTED)
        return cls(
            scopes=_scopes(parameters.get("scope")),
            client_id=parameters.get("client_id"),
            pem=certificate_pem(event),
        )


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token that may be handed out.

    Attributes:
        access_token: the JWT.
        expires_in: lifetime in seconds.
        scopes: what it allows.
    """

    access_token: str
    expires_in: int
    scopes: frozenset[str]


def token_answer(token: IssuedToken) -> Answer:
    """The successful answer of RFC 6749, section 5.1."""
    document = {
        "access_token": token.access_token,
        "token_type": "Bearer",
        "expires_in": token.expires_in,
        "scope": " ".join(sorted(token.scopes)),
    }
    return _answer(200, document, _NO_STORE)


def error_answer(reason: Refusal) -> Answer:
    """The error answer of RFC 6749, section 5.2; it does not give the reason away."""
    error = ERRORS[reason]
    status, description = _ANSWERS[error]
    return _answer(status, {"error": error.value, "error_description": description}, _NO_STORE)


def not_found_answer() -> Answer:
    """What API Gateway itself says about an unknown path."""
    return _answer(404, {"message": "Not Found"}, {})


def metadata_answer(
    event: Mapping[str, Any], *, domain_name: str, jwks_uri: str, scopes: tuple[str, ...]
) -> Answer:
    """The authorization server's metadata (RFC 8414, section 2; RFC 8705, sections 2 and 3.3)."""
    base_url = _base_url(event, domain_name)
    document = {
        "issuer": base_url,
        "token_endpoint": f"{base_url}/token",
        "jwks_uri": jwks_uri,
        "token_endpoint_auth_methods_supported": ["tls_client_auth"],
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "scopes_supported": list(scopes),
        "tls_client_certificate_bound_access_tokens": True,
    }
    return _answer(200, document, {"cache-control": "max-age=300"})


def _base_url(event: Mapping[str, Any], domain_name: str) -> str:
    """The URL that this server is known by; the Host header may only add a port to it."""
    context = event.get("requestContext")
    served = context.get("domainName") if isinstance(context, Mapping) else None
    host = _headers(event).get("host", "")
    port = _PORT.fullmatch(host.removeprefix(domain_name))
    if served != domain_name or not host.startswith(domain_name) or port is None:
        return f"https://{domain_name}"
    return f"https://{domain_name}{port.group()}"


def _answer(status: int, document: dict[str, Any], headers: dict[str, str]) -> Answer:
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json", **headers},
        "body": json.dumps(document),
        "isBase64Encoded": False,
    }


def _headers(event: Mapping[str, Any]) -> dict[str, str]:
    return {name.lower(): str(value) for name, value in (event.get("headers") or {}).items()}


def _body(event: Mapping[str, Any]) -> str:
    body = event.get("body") or ""
    if not isinstance(body, str):
        raise RefusedError(Refusal.BODY_MALFORMED)
    if len(body) > MAXIMUM_BODY_LENGTH:
        raise RefusedError(Refusal.BODY_OVERSIZED)
    if not event.get("isBase64Encoded"):
        return body
    try:
        return base64.b64decode(body, validate=True).decode("utf-8")
    except ValueError:
        raise RefusedError(Refusal.BODY_MALFORMED) from None


def _parameters(body: str) -> dict[str, str]:
    """The form's parameters; one without a value counts as left out (RFC 6749, section 3.2)."""
    try:
        pairs = parse_qsl(
            body,
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MAXIMUM_PARAMETERS,
        )
    except ValueError:
        raise RefusedError(Refusal.BODY_MALFORMED) from None
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise RefusedError(Refusal.PARAMETER_REPEATED)
    return {name: value for name, value in parameters.items() if value}


def _scopes(text: str | None) -> frozenset[str] | None:
    if text is None:
        return None
    if not _SCOPES.fullmatch(text):
        raise RefusedError(Refusal.SCOPE_MALFORMED)
    return frozenset(text.split(" "))
