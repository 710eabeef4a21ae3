"""Ask the API who I am, with Authlib: a stock OAuth client, the certificate its only credential."""

import json
import sys
from urllib.parse import urlsplit

import requests
from authlib.integrations.base_client import OAuthError  # type: ignore[import-untyped]
from authlib.integrations.requests_client import OAuth2Session  # type: ignore[import-untyped]
from connection import Connection, read_connection
from requests_client import TIMEOUT_SECONDS, present_certificate


def checked(response: requests.Response) -> requests.Response:
    """Authlib reads errors of OAuth only, and would take API Gateway's own 403 for a token."""
    response.raise_for_status()
    return response


def whoami(connection: Connection) -> dict[str, str]:
    session = OAuth2Session(
        client_id=connection.client_id,
        scope=connection.scope,
        # What tls_client_auth (RFC 8705, section 2.1) looks like in the form: client_id, no secret.
        token_endpoint_auth_method="none",  # noqa: S106
    )
    session.register_compliance_hook("access_token_response", checked)
    with present_certificate(session, connection):
        url = connection.base_url
        session.fetch_token(
            f"{url}/token", grant_type="client_credentials", timeout=TIMEOUT_SECONDS
        )
        called = session.get(f"{url}/whoami", timeout=TIMEOUT_SECONDS)
        called.raise_for_status()
        answer: dict[str, str] = called.json()
        return answer


def main() -> int:
    connection = read_connection(__doc__)
    try:
        print(json.dumps(whoami(connection), indent=2))
    except OAuthError as error:
        print(f"error: /token refused: {error}", file=sys.stderr)
        return 1
    except requests.HTTPError as error:
        answer = error.response
        path = urlsplit(answer.url).path
        print(f"error: {path} answered {answer.status_code}: {answer.text}", file=sys.stderr)
        return 1
    except (OSError, requests.RequestException) as error:
        print(f"error: no answer from {connection.base_url}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
