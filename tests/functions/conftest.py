"""Fixtures of the functions' tests."""

import json
import logging
import os
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from hypothesis import settings

from tests.functions.support import REGION, Handler, HttpServer, Invoke, LambdaContext, LogLines
from tests.pki.conftest import aws, cloud, live_dir  # noqa: F401 # the issuer's cloud is the CA's

# A machine with much else to do is no failure.
settings.register_profile("functions", deadline=None)
settings.load_profile("functions")

# Powertools reads these once, when a handler's module is imported.
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "mtls-api")
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "example")
os.environ.setdefault("ENVIRONMENT", "dev")


@pytest.fixture
def aws_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that open nothing, and no endpoint of anybody's local cloud."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)


@pytest.fixture
def http_server() -> Iterator[HttpServer]:
    """A real HTTP server on a free port of the loopback interface."""
    told = HttpServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._note()

        def do_POST(self) -> None:
            self._note()

        def _note(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            told.requests.append((self.command, self.path, headers, body))
            answer = told.body if told.answer is None else told.answer()
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        told.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield told
        server.shutdown()
        thread.join()


@pytest.fixture
def invoke() -> Invoke:
    """Calls a handler as Lambda does: the answer must survive JSON."""

    def call(handler: Handler, request: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(json.dumps(handler(request, LambdaContext())))
        return answer

    return call


class CurrentStdout:
    """Standard output as it is at the moment: a test's capture, not that of the import."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()


@pytest.fixture(autouse=True)
def log_to_current_stdout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the functions' logger write where the test looks, down to the finest level."""
    functions = logging.getLogger(os.environ["POWERTOOLS_SERVICE_NAME"])
    monkeypatch.setattr(functions, "level", logging.DEBUG)
    for handler in functions.handlers:
        handler.setLevel(logging.DEBUG)
        monkeypatch.setattr(handler, "stream", CurrentStdout())


@pytest.fixture
def logs(capsys: pytest.CaptureFixture[str]) -> LogLines:
    """What a function writes to its log."""
    return LogLines(capsys)
