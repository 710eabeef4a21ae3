"""What the edge's tests share: certificates, recording functions, a configuration, requests."""

import datetime as dt
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from local.edge.event import Json, Selected
from local.edge.http import LogEntry, Request
from local.edge.model import (
    Api,
    ApiMapping,
    Authorization,
    Authorizer,
    AuthorizerKind,
    Domain,
    FunctionRef,
    Integration,
    Route,
    Snapshot,
    Stage,
)
from local.edge.tls import RefuseWith
from pki.gateway.truststore import ClientTrust, Truststore, parse

NOW = dt.datetime(2026, 3, 12, 19, 3, 58, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
ACCOUNT = "222222222222"
REGION = "eu-west-1"
HOST = "api.dev.example.com"
OTHER_HOST = "api.stage.example.com"
OPEN_HOST = "open.example.com"

type PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


@dataclass(frozen=True)
class Issued:
    """A certificate, its key, and whom it may sign for."""

    certificate: x509.Certificate
    key: PrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def save(self, directory: Path, stem: str) -> tuple[Path, Path]:
        certificate, key = directory / f"{stem}.crt", directory / f"{stem}.key"
        certificate.write_bytes(self.pem)
        key.write_bytes(self.key_pem)
        return certificate, key


def issue(
    subject: str | x509.Name,
    issuer: Issued | None = None,
    *,
    ca: bool = False,
    path_length: int | None = None,
    key: PrivateKey | None = None,
    algorithm: hashes.SHA224 | hashes.SHA256 | hashes.SHA384 | hashes.SHA512 | None = None,
    not_before: dt.datetime | None = None,
    not_after: dt.datetime | None = None,
    usages: list[ObjectIdentifier] | None = None,
    key_cert_sign: bool = True,
    basic_constraints: bool = True,
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (),
    serial: int | None = None,
    now: dt.datetime = NOW,
) -> Issued:
    """Make a certificate; self-signed without an issuer."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = name(subject) if isinstance(subject, str) else subject
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(not_before or now - DAY)
        .not_valid_after(not_after or now + 30 * DAY)
    )
    if ca and basic_constraints:
        builder = builder.add_extension(
            x509.BasicConstraints(ca=True, path_length=path_length), critical=True
        )
    if ca:
        builder = builder.add_extension(_key_usage(signs=key_cert_sign), critical=True)
    else:
        allowed = [ExtendedKeyUsageOID.CLIENT_AUTH] if usages is None else usages
        if allowed:
            builder = builder.add_extension(x509.ExtendedKeyUsage(allowed), critical=False)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    signer = issuer.key if issuer else key
    hash_algorithm = algorithm or hashes.SHA256()
    if isinstance(signer, ed25519.Ed25519PrivateKey):
        return Issued(builder.sign(signer, None), key)
    return Issued(builder.sign(signer, hash_algorithm), key)


def _key_usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def truststore(*members: Issued) -> Truststore:
    trust = parse(b"".join(member.pem for member in members), "s3://bucket/truststore.pem")
    assert isinstance(trust, Truststore)
    return trust


@dataclass
class Function:
    """A Lambda function that a test looks into: what it was asked, and what it answers."""

    answer: Callable[[dict[str, object]], object] = lambda _event: {"statusCode": 200}
    events: list[dict[str, object]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


class Functions:
    """An invoker over functions kept by name."""

    def __init__(self, **functions: Function) -> None:
        self._functions = functions
        self._lock = threading.Lock()

    def __call__(self, function: FunctionRef, event: dict[str, object], seconds: float) -> object:
        called = self._functions[function.name]
        with self._lock:
            called.events.append(event)
            called.seconds.append(seconds)
        return called.answer(event)


def function_ref(name: str) -> FunctionRef:
    return FunctionRef(ACCOUNT, REGION, name)


def request_authorizer(**changes: object) -> Authorizer:
    settings: dict[str, object] = {
        "id": "auth1",
        "kind": AuthorizerKind.REQUEST,
        "function": function_ref("authorizer"),
        "identity_sources": ("$request.header.Authorization",),
    }
    return Authorizer(**(settings | changes))  # type: ignore[arg-type]


def api(
    api_id: str = "abc123",
    *,
    routes: tuple[Route, ...] | None = None,
    authorizer: Authorizer | None = None,
    stages: Mapping[str, Stage] | None = None,
    default_endpoint_disabled: bool = True,
    integration: Integration | None = None,
) -> Api:
    standard = (
        Route("POST /token", integration_id="int1"),
        Route("GET /whoami", Authorization.CUSTOM, "auth1", "int1"),
        Route("ANY /files/{proxy+}", integration_id="int1"),
        Route("GET /pets/{id}", integration_id="int1"),
    )
    target = integration or Integration("int1", "AWS_PROXY", function_ref("backend"), 29.0)
    return Api(
        id=api_id,
        account=ACCOUNT,
        region=REGION,
        default_endpoint_disabled=default_endpoint_disabled,
        stages=stages or {"$default": Stage("$default")},
        routes=standard if routes is None else routes,
        integrations={target.id: target},
        authorizers={"auth1": authorizer or request_authorizer()},
    )


def domain(trust: ClientTrust | None, host: str = HOST, *mappings: ApiMapping) -> Domain:
    return Domain(host, ACCOUNT, trust, mappings or (ApiMapping("", "abc123", "$default"),))


def snapshot(*domains: Domain, apis: tuple[Api, ...] = ()) -> Snapshot:
    return Snapshot({d.name: d for d in domains}, {a.id: a for a in apis or (api(),)})


def request(
    method: str = "GET",
    target: str = "/whoami",
    *headers: tuple[str, str],
    body: bytes = b"",
    host: str = HOST,
) -> Request:
    return Request(
        method=method,
        target=target,
        headers=(("host", host), *headers),
        body=body,
        source_ip="127.0.0.1",
        time=NOW.timestamp(),
        id="JKJaXmPLvHcESHA=",
    )


def selected(
    http: Request | None = None,
    *,
    route: str = "GET /whoami",
    stage: Stage | None = None,
    path: str = "/whoami",
    parameters: Mapping[str, str] | None = None,
    client_cert: Json | None = None,
) -> Selected:
    return Selected(
        request=http or request(),
        host=HOST,
        api=api(),
        stage=stage or Stage("$default"),
        route=Route(route),
        path=path,
        parameters=parameters or {},
        client_cert=client_cert,
    )


class Log:
    """Takes the edge's entries, from its own thread, and waits for them."""

    def __init__(self) -> None:
        self._entries: list[LogEntry] = []
        self._grown = threading.Condition()

    def append(self, entry: LogEntry) -> None:
        with self._grown:
            self._entries.append(entry)
            self._grown.notify_all()

    def entries(self, count: int) -> list[LogEntry]:
        """Return all entries once there are so many."""
        with self._grown:
            assert self._grown.wait_for(lambda: len(self._entries) >= count, 20)
            return list(self._entries)


@dataclass
class Running:
    """An edge that listens, and what a test may change and look at."""

    snapshot: Snapshot
    server_ca: Path
    directory: Path
    backend: Function
    port: int = 0
    log: Log = field(default_factory=Log)
    problems: list[str] = field(default_factory=list)

    def reasons(self, count: int = 1) -> list[str | None]:
        return [entry.reason for entry in self.log.entries(count)]

    def context(self, client: Issued | None = None) -> ssl.SSLContext:
        """The settings of a TLS client that trusts the edge and presents a certificate."""
        context = ssl.create_default_context(cafile=self.server_ca)
        # A client's own library must not refuse to send what the server is to judge.
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        if client is not None:
            context.load_cert_chain(*client.save(self.directory, "client"))
        return context

    def connect(
        self, client: Issued | None = None, host: str | None = HOST, **settings: Any
    ) -> ssl.SSLSocket:
        """Open a TLS connection; settings are set on the client's context."""
        context = self.context(client)
        if host is None:
            context.check_hostname = False
        for setting, value in settings.items():
            setattr(context, setting, value)
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        try:
            return context.wrap_socket(raw, server_hostname=host)
        except OSError:
            raw.close()
            raise

    def talk(self, data: bytes, client: Issued | None = None, host: str = HOST) -> bytes:
        """Send bytes over a new connection and return all that comes until it is closed."""
        with self.connect(client, host) as connection:
            connection.sendall(data)
            return read_to_end(connection)

    def get(
        self, path: str, client: Issued | None = None, *headers: str, host: str = HOST
    ) -> "Reply":
        """Make one GET request over a new connection."""
        lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Connection: close", *headers, "", ""]
        return Reply.parse(self.talk("\r\n".join(lines).encode(), client, host))

    def curl(self, *arguments: str, path: str = "/files/a", host: str = HOST) -> tuple[int, str]:
        """Run curl against the edge; return its exit code and output, the status last."""
        completed = subprocess.run(
            [
                "curl", "--silent", "--cacert", str(self.server_ca), "--max-time", "20",
                "--resolve", f"{host}:{self.port}:127.0.0.1", "--write-out", " %{http_code}",
                *arguments, f"https://{host}:{self.port}{path}",
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return completed.returncode, completed.stdout


def read_to_end(connection: ssl.SSLSocket) -> bytes:
    received = b""
    while True:
        try:
            chunk = connection.recv(65_536)
        except (ssl.SSLEOFError, ConnectionResetError):
            return received
        if not chunk:
            return received
        received += chunk


@dataclass(frozen=True)
class Reply:
    """A response, taken apart."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def parse(cls, raw: bytes) -> "Reply":
        head, _, body = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines)}
        return cls(int(first.split(" ")[1]), headers, body)


class StartEdge(Protocol):
    """Starts an edge (see the fixture ``start_edge``)."""

    def __call__(
        self,
        snapshot: Snapshot,
        backend: Function | None = None,
        authorizer: Function | None = None,
        refuse_with: RefuseWith = RefuseWith.FORBIDDEN,
        concurrency: int = 64,
    ) -> Running: ...
