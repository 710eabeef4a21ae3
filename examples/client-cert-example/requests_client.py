"""Ask the API who I am, with requests: a token by certificate, then one call with both."""

import json
import sys
from typing import Any
from urllib.parse import urlsplit

import requests
from connection import Connection, read_connection
from requests.adapters import HTTPAdapter

TIMEOUT_SECONDS = 10


class ToAddress(HTTPAdapter):
    """Connects to an address of our choice; SNI and certificate check keep the URL's name."""

    def __init__(self, address: str) -> None:
        self._host, _, port = address.rpartition(":")
        self._port = int(port)
        super().__init__()

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        host, tls = super().build_connection_pool_key_attributes(request, verify, cert)
        name = host["host"]
        return (
            {**host, "host": self._host, "port": self._port},
            {**tls, "server_hostname": name, "assert_hostname": name},
        )


def present_certificate[S: requests.Session](session: S, connection: Connection) -> S:
    """Give a session the client's certificate, and the laptop's address where there is one."""
    session.cert = (str(connection.certificate), str(connection.key))
    if connection.server_ca is not None:
        session.verify = str(connection.server_ca)
        session.trust_env = False  # REQUESTS_CA_BUNDLE would win over session.verify
    if connection.address is not None:
        session.mount(connection.base_url, ToAddress(connection.address))
        session.headers["Host"] = urlsplit(connection.base_url).netloc
    return session


def whoami(connection: Connection) -> dict[str, str]:
    with present_certificate(requests.Session(), connection) as session:
        form = {
            "grant_type": "client_credentials",
            "client_id": connection.client_id,
            "scope": connection.scope,
        }
        url = connection.base_url
        issued = session.post(f"{url}/token", data=form, timeout=TIMEOUT_SECONDS)
        issued.raise_for_status()
        headers = {"Authorization": f"Bearer {issued.json()['access_token']}"}
        called = session.get(f"{url}/whoami", headers=headers, timeout=TIMEOUT_SECONDS)
        called.raise_for_status()
        answer: dict[str, str] = called.json()
        return answer


def main() -> int:
    connection = read_connection(__doc__)
    try:
        print(json.dumps(whoami(connection), indent=2))
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
