"""The canary's call, against a TLS server that asks for its certificate."""

import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import override

import pytest
import trustme

from pki.canary import Canary, Endpoint
from pki.errors import CanaryError, UsageError

HOST = "api.dev.example.com"


@dataclass
class Api:
    """What the server answers, and what it was asked."""

    endpoint: Endpoint
    status: int = 200
    body: bytes = b'{"access_token": "secret-token"}'
    asked: list[tuple[str, str, bytes]] = field(default_factory=list)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def folder(authority: trustme.CA, tmp_path: Path) -> Path:
    issued = authority.issue_cert("canary.example.com")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "client.crt")
    issued.private_key_pem.write_to_path(tmp_path / "client.key")
    return tmp_path


@pytest.fixture
def api(authority: trustme.CA, tmp_path: Path) -> Iterator[Api]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    authority.issue_cert(HOST).configure_cert(context)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            served.asked.append((self.path, self.headers["Host"], body))
            self.send_response(served.status)
            self.send_header("Content-Length", str(len(served.body)))
            self.end_headers()
            self.wfile.write(served.body)

        @override
        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(HTTPServer):
        @override
        def handle_error(self, request: object, client_address: object) -> None:
            """A refused handshake is expected."""

    server_ca = tmp_path / "server-ca.pem"
    authority.cert_pem.write_to_path(server_ca)
    with Server(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        port = server.server_address[1]
        served = Api(Endpoint(HOST, port, "127.0.0.1", server_ca))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield served
        server.shutdown()
        thread.join()


def test_a_client_that_gets_a_token_is_let_in(api: Api, folder: Path) -> None:
    Canary(api.endpoint, folder).call()

    assert api.asked == [
        ("/token", f"{HOST}:{api.endpoint.port}", b"grant_type=client_credentials")
    ]


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (403, b'{"message":"Forbidden"}', "/token answered 403"),
        (401, b'{"error":"invalid_client"}', "/token answered 401 invalid_client"),
        (200, b"{}", "/token answered 200"),
        (200, b"not json", "/token answered 200"),
        (201, b'{"access_token": "x"}', "/token answered 201"),
    ],
)
def test_any_other_answer_means_that_it_is_not_let_in(
    api: Api, folder: Path, status: int, body: bytes, said: str
) -> None:
    api.status, api.body = status, body

    with pytest.raises(CanaryError) as caught:
        Canary(api.endpoint, folder).call()

    assert str(caught.value) == f"{folder.name}: {said}"


def test_a_client_of_another_ca_is_not_let_in(api: Api, folder: Path) -> None:
    stranger = trustme.CA().issue_cert("canary.example.com")
    stranger.cert_chain_pems[0].write_to_path(folder / "client.crt")
    stranger.private_key_pem.write_to_path(folder / "client.key")

    with pytest.raises(CanaryError, match=f"no answer from {HOST}"):
        Canary(api.endpoint, folder).call()


def test_a_server_that_is_somebody_else_is_not_believed(api: Api, folder: Path) -> None:
    assert api.endpoint.server_ca is not None
    trustme.CA().cert_pem.write_to_path(api.endpoint.server_ca)

    with pytest.raises(CanaryError, match=f"{HOST} is not who it should be"):
        Canary(api.endpoint, folder).call()


def test_a_server_that_does_not_listen_is_told(api: Api, folder: Path) -> None:
    nobody = Endpoint(HOST, 1, "127.0.0.1", api.endpoint.server_ca)

    with pytest.raises(CanaryError, match=f"no answer from {HOST}"):
        Canary(nobody, folder).call()


@pytest.mark.parametrize("name", ["client.crt", "client.key"])
def test_a_canary_without_certificate_or_key_cannot_call(api: Api, folder: Path, name: str) -> None:
    (folder / name).unlink()

    with pytest.raises(CanaryError, match="cannot call"):
        Canary(api.endpoint, folder).call()


def test_an_endpoint_is_read_from_the_laptops_file(tmp_path: Path) -> None:
    path = tmp_path / "endpoints.json"
    facts = {
        "base_url": f"https://{HOST}:8443",
        "address": "127.0.0.1:8443",
        "server_ca": "ca.pem",
        "default_endpoint": "x",
    }
    path.write_text(json.dumps({"dev": facts}))

    assert Endpoint.read(path, "dev") == Endpoint(HOST, 8443, "127.0.0.1", Path("ca.pem"))


def test_an_endpoint_without_address_is_found_by_dns(tmp_path: Path) -> None:
    path = tmp_path / "endpoints.json"
    path.write_text(json.dumps({"dev": {"base_url": f"https://{HOST}"}}))

    assert Endpoint.read(path, "dev") == Endpoint(HOST, 443)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"dev": {}}', '{"dev": {"base_url": "http://x"}}', '{"dev": 1}']
)
def test_what_names_no_endpoint_is_wrong_usage(tmp_path: Path, text: str) -> None:
    path = tmp_path / "endpoints.json"
    path.write_text(text)

    with pytest.raises(UsageError):
        Endpoint.read(path, "dev")
