"""One request and one answer, as plain values between the sockets and the gateway."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

MAX_HEADER_BYTES = 10_240
MAX_BODY_BYTES = 10 * 1024 * 1024

# RFC 9110 section 7.6.1, and the older names that proxies still drop.
HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)

_HOST = re.compile(r"(?P<name>[A-Za-z0-9*_-]+(?:\.[A-Za-z0-9_-]+)*)\.?(?::\d{1,5})?")


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request as received, its framing already checked.

    Attributes:
        method: As sent.
        target: Path and query, undecoded; begins with a slash.
        headers: Lower-case names with their values, in order, repeated names repeated.
        protocol: ``HTTP/1.1`` or ``HTTP/1.0``.
        time: Seconds since the epoch.
        id: API Gateway's request id.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    source_ip: str
    time: float
    id: str
    protocol: str = "HTTP/1.1"
    port: int = 443

    @property
    def raw_path(self) -> str:
        """The path as sent, undecoded."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The query as sent, undecoded, without its question mark."""
        return self.target.partition("?")[2]

    def values(self, name: str) -> list[str]:
        """All values of a header, given its lower-case name."""
        return [value for key, value in self.headers if key == name]

    @property
    def host(self) -> str | None:
        """The host of the Host header in lower case, without a port.

        None when there is not exactly one that names a host.
        """
        hosts = self.values("host")
        found = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        return found["name"].lower() if found else None


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response, and for the access log why it is not the integration's own.

    Attributes:
        reason: A code such as ``untrusted_issuer``; None when the integration answered.
    """

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The answers that API Gateway gives itself: a status and its fixed message."""

    status: int
    message: str

    def because(self, reason: str) -> Answer:
        """Make the answer, with the reason for the log only."""
        body = json.dumps({"message": self.message}, separators=(",", ":")).encode()
        return Answer(self.status, body, (("content-type", "application/json"),), reason)


BAD_REQUEST = Refused(400, "Bad Request")
UNAUTHORIZED = Refused(401, "Unauthorized")
FORBIDDEN = Refused(403, "Forbidden")
NOT_FOUND = Refused(404, "Not Found")
TOO_LARGE = Refused(413, "Request Entity Too Large")
TOO_MANY_REQUESTS = Refused(429, "Too Many Requests")
HEADERS_TOO_LARGE = Refused(431, "Request Header Fields Too Large")
INTERNAL_ERROR = Refused(500, "Internal Server Error")
UNAVAILABLE = Refused(503, "Service Unavailable")


@dataclass(frozen=True, slots=True)
class LogEntry:
    """What the access log says about a request; never a header's value, a query or a body."""

    request_id: str
    time: float
    source_ip: str
    domain: str | None
    method: str | None
    path: str | None
    status: int | None
    reason: str | None = None
    duration_ms: int = 0
    tls: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)
