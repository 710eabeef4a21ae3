"""Ask the API who I am, with httpx: a token by certificate, then one call with both."""

import json
import ssl
import sys

import httpx
from connection import Connection, read_connection


class ToAddress(httpx.HTTPTransport):
    """Connects to an address of our choice; name, certificate check and Host header stay."""

    def __init__(self, address: str, context: ssl.SSLContext) -> None:
        super().__init__(verify=context)
        self._host, _, port = address.rpartition(":")
        self._port = int(port)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions["sni_hostname"] = request.url.host
        request.url = request.url.copy_with(host=self._host, port=self._port)
        return super().handle_request(request)


def open_client(connection: Connection) -> httpx.Client:
    context = ssl.create_default_context(cafile=connection.server_ca)
    context.load_cert_chain(connection.certificate, connection.key)
    if connection.address is None:
        return httpx.Client(base_url=connection.base_url, verify=context)
    transport = ToAddress(connection.address, context)
    return httpx.Client(base_url=connection.base_url, transport=transport)


def whoami(connection: Connection) -> dict[str, str]:
    with open_client(connection) as client:
        form = {
            "grant_type": "client_credentials",
            "client_id": connection.client_id,
            "scope": connection.scope,
        }
        token = client.post("/token", data=form).raise_for_status().json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        answer: dict[str, str] = client.get("/whoami", headers=headers).raise_for_status().json()
        return answer


def main() -> int:
    connection = read_connection(__doc__)
    try:
        print(json.dumps(whoami(connection), indent=2))
    except httpx.HTTPStatusError as error:
        answer = error.response
        path = error.request.url.path
        print(f"error: {path} answered {answer.status_code}: {answer.text}", file=sys.stderr)
        return 1
    except (httpx.TransportError, ssl.SSLError) as error:
        print(f"error: no answer from {connection.base_url}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
