"""A stand-in for the emulator: the wire of apigatewayv2, S3 and Lambda, as a test fills it."""

import json
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.edge.support import ACCOUNT, HOST, REGION

type Items = list[dict[str, Any]]

LAMBDA = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function"
INVOCATION = (
    f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{LAMBDA}:authorizer/invocations"
)


@dataclass
class Answer:
    """A raw answer of the stand-in."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)


class Emulator:
    """Serves collections of the control plane by account and path, objects and functions."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], Items] = {}
        self.objects: dict[tuple[str, str, str | None], bytes] = {}
        self.functions: dict[str, Callable[[dict[str, Any]], Answer]] = {}
        self.page_size = 100
        self.failing: Answer | None = None
        emulator = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._send(emulator._get(self._account(), self.path))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                self._send(emulator._invoke(self.path, json.loads(body)))

            def _account(self) -> str:
                found = re.search(r"Credential=(\d{12})/", self.headers["authorization"])
                return found[1] if found else ""

            def _send(self, answer: Answer) -> None:
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(answer.body)))
                with suppress(BrokenPipeError, ConnectionResetError):
                    self.end_headers()
                    self.wfile.write(answer.body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def put(self, path: str, *items: dict[str, Any], account: str = ACCOUNT) -> None:
        self.items[account, path] = list(items)

    def put_object(self, key: str, content: bytes, version: str | None) -> None:
        self.objects[ACCOUNT, key, version] = content
        self.objects[ACCOUNT, key, None] = content

    def _get(self, account: str, target: str) -> Answer:
        if self.failing is not None:
            return self.failing
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if not url.path.startswith("/v2/"):
            return self._object(account, url.path[1:], query.get("versionId"))
        items = self.items.get((account, unquote(url.path.removeprefix("/v2/"))), [])
        start = int(query.get("nextToken", "0"))
        page: dict[str, Any] = {"items": items[start : start + self.page_size]}
        if start + self.page_size < len(items):
            page["nextToken"] = str(start + self.page_size)
        return Answer(body=json.dumps(page).encode())

    def _object(self, account: str, key: str, version: str | None) -> Answer:
        content = self.objects.get((account, key, version))
        if content is None:
            body = b"<Error><Code>NoSuchVersion</Code><Message>gone</Message></Error>"
            return Answer(404, body)
        current = {v: k[2] for k, v in self.objects.items() if k[2] is not None}
        stored = version or current.get(content)
        return Answer(body=content, headers={"x-amz-version-id": stored} if stored else {})

    def _invoke(self, target: str, event: dict[str, Any]) -> Answer:
        name = target.split("/")[3]
        return self.functions[name](event)


def configure(emulator: Emulator, truststore: bytes) -> None:
    """Put in a domain with mutual TLS, its API, two functions and a truststore."""
    emulator.put(
        "domainnames",
        {
            "domainName": HOST,
            "mutualTlsAuthentication": {
                "truststoreUri": "s3://bucket/truststore.pem",
                "truststoreVersion": "v1",
            },
        },
    )
    emulator.put(f"domainnames/{HOST}/apimappings", {"apiId": "abc123", "stage": "$default"})
    emulator.put(
        "apis",
        {"apiId": "abc123", "protocolType": "HTTP", "disableExecuteApiEndpoint": True},
        {"apiId": "socket", "protocolType": "WEBSOCKET"},
    )
    emulator.put(
        "apis/abc123/stages",
        {
            "stageName": "$default",
            "stageVariables": {"colour": "blue"},
            "defaultRouteSettings": {"throttlingBurstLimit": 50, "throttlingRateLimit": 100.0},
            "routeSettings": {
                "POST /token": {"throttlingBurstLimit": 5},
                "GET /logged": {"detailedMetricsEnabled": True},
            },
        },
    )
    emulator.put(
        "apis/abc123/routes",
        {"routeKey": "POST /token", "target": "integrations/int1", "authorizationType": "NONE"},
        {
            "routeKey": "GET /whoami",
            "target": "integrations/int1",
            "authorizationType": "CUSTOM",
            "authorizerId": "auth1",
        },
    )
    emulator.put(
        "apis/abc123/integrations",
        {
            "integrationId": "int1",
            "integrationType": "AWS_PROXY",
            "integrationUri": f"{LAMBDA}:backend",
            "payloadFormatVersion": "2.0",
            "timeoutInMillis": 29000,
        },
    )
    emulator.put(
        "apis/abc123/authorizers",
        {
            "authorizerId": "auth1",
            "authorizerType": "REQUEST",
            "authorizerUri": INVOCATION,
            "authorizerPayloadFormatVersion": "2.0",
            "authorizerResultTtlInSeconds": 0,
            "enableSimpleResponses": True,
            "identitySource": ["$request.header.Authorization"],
        },
    )
    emulator.put_object("bucket/truststore.pem", truststore, "v1")
    emulator.functions["backend"] = lambda event: Answer(body=json.dumps(event).encode())
    emulator.functions["authorizer"] = lambda event: Answer(
        body=json.dumps({"isAuthorized": event["identitySource"] == ["Bearer good"]}).encode()
    )
