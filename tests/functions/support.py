"""What the functions' tests share: real events, real keys and certificates, small fakes."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

from clientcert import Moment, RegistryRecord, RevocationReason, Status

EVENTS = Path(__file__).parent / "events"

# The certificate of the events, as `openssl x509 -fingerprint -sha256` knows it.
FINGERPRINT = "f3f4de5630ac370ffe2e95c7299257c829585c4c18f2e1c5b4f0c1b6d84bde51"
THUMBPRINT = "8_TeVjCsNw_-LpXHKZJXyClYXEwY8uHFtPDBtthL3lE"
SERIAL_NUMBER = "278901234567890123456789012345678901234"

REGION = "eu-west-1"
USER_POOL_ID = "eu-west-1_AbCdEf123"
APP_CLIENT_ID = "1example23456789"
APP_CLIENT_SECRET = "cognito-app-client-secret-value"
ISSUER = f"https://cognito-idp.{REGION}.amazonaws.com/{USER_POOL_ID}"

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
NOW_SECONDS = NOW.timestamp()

RECORD = RegistryRecord(
    fingerprint=FINGERPRINT,
    client_id="device-001",
    serial_number=SERIAL_NUMBER,
    issuer="CN=Example dev Issuing CA G1",
    not_before=datetime(2026, 11, 1, 12, 0, 0, tzinfo=UTC),
    not_after=datetime(2027, 11, 1, 12, 0, 0, tzinfo=UTC),
    status=Status.ACTIVE,
    scopes=frozenset({"api/read", "api/write"}),
    cognito_client_id=APP_CLIENT_ID,
    issued_at=datetime(2026, 11, 1, 12, 5, 0, tzinfo=UTC),
)
REVOKED = replace(
    RECORD,
    status=Status.REVOKED,
    revoked_at=NOW,
    revocation_reason=RevocationReason.KEY_COMPROMISE,
)


def event(name: str) -> dict[str, Any]:
    """A captured event, fresh, so that a test may change it."""
    document: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    return document


def certificate_of(request: Mapping[str, Any]) -> str:
    """The PEM that an event carries."""
    pem: str = request["requestContext"]["authentication"]["clientCert"]["clientCertPem"]
    return pem


@dataclass(frozen=True)
class LambdaContext:
    """What Lambda passes beside the event, as far as powertools reads it."""

    function_name: str = "example-dev-function"
    memory_limit_in_mb: int = 256
    invoked_function_arn: str = (
        "arn:aws:lambda:eu-west-1:222222222222:function:example-dev-function"
    )
    aws_request_id: str = "0f6f0a5e-5b7b-4a64-9b0d-5b8a2f8f0c11"


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    seconds: float = NOW_SECONDS

    def __call__(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class Clocks:
    """Uptime and wall clock that stand still until they are moved, together or apart."""

    uptime: float = 0
    wall: float = NOW_SECONDS

    def __call__(self) -> Moment:
        return Moment(self.uptime, self.wall)

    def advance(self, seconds: float) -> None:
        self.uptime += seconds
        self.wall += seconds


@cache
def rsa_key(name: str = "first", bits: int = 2048) -> RSAPrivateKey:
    """A key that stays the same for a name: generating one takes long."""
    return generate_private_key(public_exponent=65537, key_size=bits)


def base64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def jwk(key: RSAPrivateKey, key_id: str, **members: str) -> dict[str, str]:
    """The public half of a key as Cognito publishes it."""
    numbers = key.public_key().public_numbers()
    return {
        "kty": "RSA",
        "alg": "RS256",
        "use": "sig",
        "kid": key_id,
        "n": base64url(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8)),
        "e": base64url(numbers.e.to_bytes(3)),
        **members,
    }


def jwks(*keys: Mapping[str, str]) -> bytes:
    """A JWK set."""
    return json.dumps({"keys": keys}).encode()


HEADER: Mapping[str, Any] = {"alg": "RS256", "kid": "key-1"}
CLAIMS: Mapping[str, Any] = {
    "sub": APP_CLIENT_ID,
    "iss": ISSUER,
    "token_use": "access",
    "iat": int(NOW_SECONDS),
    "exp": int(NOW_SECONDS) + 900,
    "jti": "aef901c7-6bf5-4806-ba0b-10f7023373ff",
    "client_id": APP_CLIENT_ID,
    "auth_time": int(NOW_SECONDS),
    "scope": "api/read",
    "version": 2,
    "cnf": {"x5t#S256": THUMBPRINT},
}


def sign_bytes(header: bytes, payload: bytes, key: RSAPrivateKey | None = None) -> str:
    """A compact JWS over any bytes, with an RS256 signature."""
    signed = f"{base64url(header)}.{base64url(payload)}"
    signature = (key or rsa_key()).sign(signed.encode("ascii"), PKCS1v15(), SHA256())
    return f"{signed}.{base64url(signature)}"


def sign(
    claims: Mapping[str, Any] = CLAIMS,
    header: Mapping[str, Any] = HEADER,
    key: RSAPrivateKey | None = None,
) -> str:
    """A compact JWS over claims."""
    return sign_bytes(json.dumps(header).encode(), json.dumps(claims).encode(), key)


def without(members: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The members but one."""
    return {key: value for key, value in members.items() if key != name}


def finder(record: RegistryRecord | None) -> Callable[[str], RegistryRecord | None]:
    """A registry that holds one record, or none."""

    def find(fingerprint: str) -> RegistryRecord | None:
        return record if record is not None and record.fingerprint == fingerprint else None

    return find


type Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


class Invoke(Protocol):
    """Calls a handler as Lambda does."""

    def __call__(self, handler: Handler, request: dict[str, Any]) -> dict[str, Any]:
        """The handler's answer, once through JSON as Lambda sends it."""


@dataclass
class LogLines:
    """What a function wrote to its log."""

    capture: pytest.CaptureFixture[str]
    _text: str = ""

    @property
    def text(self) -> str:
        """All of it."""
        captured = self.capture.readouterr()
        self._text += captured.out + captured.err
        return self._text

    def messages(self, message: str) -> list[dict[str, Any]]:
        """The structured lines with this message."""
        return [line for line in self._lines() if line.get("message") == message]

    def metrics(self, name: str) -> list[dict[str, Any]]:
        """The metric documents (EMF) that hold this metric."""
        return [line for line in self._lines() if "_aws" in line and name in line]

    def _lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines() if line.startswith("{")]


@dataclass
class HttpServer:
    """A server that notes requests and gives the answer it was told to give."""

    url: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    requests: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    answer: Callable[[], bytes] | None = None
