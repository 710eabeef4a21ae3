"""The smallest honest look at a deployed API, by somebody who has no certificate of it.

It needs no secret, so a job may do it: the name resolves, the server's certificate is the right one
and lasts, the door stays shut without a client certificate and with one that nobody knows, and the
default endpoint, which asks for none, is switched off.

What it cannot show, since it has no client certificate: that a known machine gets in, that
``/token`` answers and that the authorizer decides. ``diagnose`` and ``truststore``'s canary do.
"""

import socket
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

MINIMUM_DAYS = 21
"""ACM renews 60 days ahead: a certificate this close to its end was not renewed."""

_TIMEOUT_SECONDS = 10.0
_CLOSED = (403, 404)
"""What a default endpoint that is switched off answers: an HTTP API 404, a REST API 403."""


@dataclass(frozen=True, slots=True)
class Target:
    """An environment's API.

    Attributes:
        host: its name.
        port: its port.
        address: where the name is to be found; None to ask DNS.
        server_ca: file of the CA of its certificate; None for the system's.
        default_endpoint: host of the endpoint that is to be off; None when it is not known here.
    """

    host: str
    port: int = 443
    address: tuple[str, int] | None = None
    server_ca: Path | None = None
    default_endpoint: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: what.
        passed: whether it is as it should be; None when it could not be looked at from here.
        detail: what was seen.
    """

    name: str
    passed: bool | None
    detail: str


def look(target: Target, now: datetime) -> tuple[Check, ...]:
    """Look at an API from outside."""
    resolved = _resolves(target)
    if not resolved.passed:
        return (resolved,)
    with _stranger() as certificate:
        return (
            resolved,
            _server_certificate(target, certificate, now),
            _shut(target, "without a client certificate", None, allowed=()),
            # API Gateway takes any certificate in the handshake, and answers 403.
            _shut(target, "with a certificate of a stranger", certificate, allowed=(403,)),
            _default_endpoint(target),
        )


def _resolves(target: Target) -> Check:
    name = "the name resolves"
    if target.address is not None:
        return Check(name, passed=True, detail=f"{target.host} is at {target.address[0]} here")
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except OSError as error:
        return Check(name, passed=False, detail=f"{target.host}: {error.strerror or error}")
    addresses = sorted({str(entry[4][0]) for entry in found})
    return Check(name, passed=True, detail=f"{target.host}: {', '.join(addresses)}")


def _server_certificate(target: Target, certificate: Path, now: datetime) -> Check:
    """With a client certificate, since a server may end the handshake for the lack of one."""
    name = "the server's certificate is valid and lasts"
    try:
        with _connected(target, certificate) as connection:
            seen = connection.getpeercert(binary_form=True)
    except ssl.SSLCertVerificationError as error:
        return Check(name, passed=False, detail=error.verify_message)
    except OSError as error:
        return Check(name, passed=False, detail=f"not seen: {error.strerror or error}")
    if seen is None:
        return Check(name, passed=False, detail="the server sent none")
    ends = x509.load_der_x509_certificate(seen).not_valid_after_utc
    left = (ends - now).days
    return Check(name, passed=left >= MINIMUM_DAYS, detail=f"{left} days left, until {ends:%F}")


def _shut(target: Target, how: str, certificate: Path | None, *, allowed: tuple[int, ...]) -> Check:
    name = f"nobody gets in {how}"
    try:
        with _connected(target, certificate) as connection:
            status = _asked(connection, target.host)
    except ssl.SSLCertVerificationError as error:
        return Check(name, passed=False, detail=f"not tried: {error.verify_message}")
    except (ConnectionRefusedError, TimeoutError) as error:
        return Check(name, passed=False, detail=f"not tried: {type(error).__name__}")
    except OSError as error:
        return Check(name, passed=True, detail=f"refused in TLS: {type(error).__name__}")
    if status is None:
        return Check(name, passed=True, detail="the connection was closed")
    return Check(name, passed=status in allowed, detail=f"HTTP {status}")


def _default_endpoint(target: Target) -> Check:
    name = "the default endpoint is off"
    if target.default_endpoint is None:
        return Check(name, passed=None, detail="its name is not known here: DEFAULT_ENDPOINT")
    host = target.default_endpoint
    door = Target(host, target.port, target.address, target.server_ca)
    try:
        with _connected(door, None) as connection:
            status = _asked(connection, host)
    except ssl.SSLCertVerificationError as error:
        if target.address is not None:  # the laptop's edge has no certificate of AWS's names
            return Check(name, passed=True, detail="nothing answers to that name")
        return Check(name, passed=False, detail=f"not tried: {error.verify_message}")
    except socket.gaierror:
        return Check(name, passed=True, detail=f"{host} is not in DNS")
    except (ConnectionRefusedError, TimeoutError) as error:
        return Check(name, passed=False, detail=f"not tried: {type(error).__name__}")
    except OSError as error:
        return Check(name, passed=True, detail=f"refused in TLS: {type(error).__name__}")
    closed = status is None or status in _CLOSED
    return Check(name, passed=closed, detail=f"HTTP {status}" if status else "closed")


@contextmanager
def _connected(target: Target, certificate: Path | None) -> Iterator[ssl.SSLSocket]:
    context = ssl.create_default_context(cafile=target.server_ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate is not None:
        context.load_cert_chain(certificate)
    place = target.address or (target.host, target.port)
    with (
        socket.create_connection(place, timeout=_TIMEOUT_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=target.host) as connection,
    ):
        yield connection


def _asked(connection: ssl.SSLSocket, host: str) -> int | None:
    """The status of the answer, or None when there was none; TLS 1.3 refuses only now."""
    request = f"GET /whoami HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    connection.sendall(request.encode())
    line = connection.recv(64).partition(b"\r\n")[0].split()
    return int(line[1]) if len(line) > 1 and line[1].isdigit() else None


@contextmanager
def _stranger() -> Iterator[Path]:
    """A certificate that nobody issued, for this look alone; with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stranger")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with tempfile.TemporaryDirectory(prefix="smoke-") as folder:
        path = Path(folder) / "stranger.pem"
        path.touch(mode=0o600)
        path.write_bytes(private + certificate.public_bytes(pem))
        yield path
