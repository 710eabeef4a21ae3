"""A TLS server of the test's own that plays the API, and the example clients as commands."""

import json
import os
import shutil
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast
from urllib.parse import parse_qs

import pytest
import trustme

from tests.support import REPOSITORY

EXAMPLES = REPOSITORY / "examples" / "client-cert-example"
API_NAME = "api.dev.example.com"
DEVICE = "device-001"
TOKEN = "header.payload.signature"
IDENTITY = {"client_id": DEVICE, "scope": "api/read", "environment": "dev"}


@dataclass(frozen=True)
class Answer:
    status: int
    body: str


@dataclass(frozen=True)
class Request:
    """What arrived: request line, headers and form that matter, the certificate's name."""

    line: str
    host: str
    authorization: str | None
    form: dict[str, list[str]]
    subject: str


@dataclass
class Api:
    """The server's side of the example clients: fixed answers a path, and what was asked."""

    port: int
    answers: dict[str, Answer] = field(
        default_factory=lambda: {
            "/token": Answer(
                200,
                json.dumps({"access_token": TOKEN, "token_type": "Bearer", "expires_in": 900}),
            ),
            "/whoami": Answer(200, json.dumps(IDENTITY)),
        }
    )
    requests: list[Request] = field(default_factory=list)
    server_names: list[str | None] = field(default_factory=list)

    @property
    def base_url(self) -> str:
        return f"https://{API_NAME}:{self.port}"


class _Server(ThreadingHTTPServer):
    api: Api

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no event here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
        """Nothing: what arrived is in ``Api.requests``."""

    def _answer(self) -> None:
        api = cast("_Server", self.server).api
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        api.requests.append(
            Request(
                line=f"{self.command} {self.path}",
                host=self.headers["Host"],
                authorization=self.headers.get("Authorization"),
                form=parse_qs(body),
                subject=_common_name(cast("ssl.SSLSocket", self.connection)),
            )
        )
        answer = api.answers.get(self.path, Answer(404, '{"message":"Not Found"}'))
        content = answer.body.encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _common_name(connection: ssl.SSLSocket) -> str:
    certificate = connection.getpeercert()
    assert certificate is not None
    names = cast("tuple[tuple[tuple[str, str], ...], ...]", certificate["subject"])
    return dict(pair for relative in names for pair in relative)["commonName"]


@pytest.fixture(scope="session")
def server_ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def client_ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def api(server_ca: trustme.CA, client_ca: trustme.CA) -> Iterator[Api]:
    """A running server that demands a certificate of ``client_ca``."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_ca.issue_cert(API_NAME).configure_cert(context)
    client_ca.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.api = Api(port=server.server_address[1])
        context.sni_callback = lambda _socket, name, _context: server.api.server_names.append(name)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server.api
        server.shutdown()
        thread.join()


@pytest.fixture
def local_dir(api: Api, server_ca: trustme.CA, client_ca: trustme.CA, tmp_path: Path) -> Path:
    """What the platform leaves on a laptop: endpoints.json, the server's CA, one device."""
    server_ca.cert_pem.write_to_path(tmp_path / "server-ca.pem")
    endpoint = {
        "base_url": api.base_url,
        "address": f"127.0.0.1:{api.port}",
        "server_ca": str(tmp_path / "server-ca.pem"),
        "default_endpoint": "abc123.execute-api.eu-west-1.amazonaws.com",
    }
    (tmp_path / "endpoints.json").write_text(json.dumps({"dev": endpoint}))
    issued = client_ca.issue_cert(DEVICE, common_name=DEVICE)
    folder = tmp_path / "clients" / DEVICE
    folder.mkdir(parents=True)
    issued.cert_chain_pems[0].write_to_path(folder / "client.crt")
    issued.private_key_pem.write_to_path(folder / "client.key")
    return tmp_path


@pytest.fixture(scope="session")
def go_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Go example, compiled: `go run` would hide its exit code."""
    binary = tmp_path_factory.mktemp("go") / "client"
    subprocess.run(["go", "build", "-o", binary, EXAMPLES / "client.go"], check=True, timeout=300)
    return binary


@pytest.fixture(params=["curl", "requests", "httpx", "authlib", "node", "go"])
def client_name(request: pytest.FixtureRequest) -> str:
    """Which of the example clients."""
    name: str = request.param
    return name


@pytest.fixture
def client(client_name: str, request: pytest.FixtureRequest) -> list[str]:
    """The command that starts it; the device's name follows."""
    match client_name:
        case "curl":
            return [str(EXAMPLES / "curl.sh")]
        case "node":
            return ["node", str(EXAMPLES / "client.mjs")]
        case "go":
            return [str(request.getfixturevalue("go_client"))]
        case library:
            return [sys.executable, str(EXAMPLES / f"{library}_client.py")]


def run(
    command: list[str], *, variables: dict[str, str], cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Start a program with nothing of this machine's environment but where its tools are."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    assert shutil.which(command[0]), f"{command[0]} is not installed"
    return subprocess.run(
        command,
        env=inherited | variables,
        cwd=cwd,
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )
