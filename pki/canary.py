"""A call as any device makes it: is a client of ours let in, right now?

TLS with the client's certificate, then ``POST /token`` (RFC 8705, section 2.1). Status 200 and a
token mean that the truststore, the registry and the token function all took it.
"""

import http.client
import json
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Self, override
from urllib.parse import urlencode, urlsplit

from pki import files
from pki.delivery import CERTIFICATE, PRIVATE_KEY
from pki.errors import CanaryError, UsageError

_TIMEOUT_SECONDS = 10.0
_MAXIMUM_ANSWER_BYTES = 65_536
_MAXIMUM_ENDPOINTS_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How an environment's API is reached.

    Attributes:
        host: the custom domain, for SNI and Host.
        port: TCP port.
        address: where the host is to be found, when DNS is not to be asked.
        server_ca: PEM file of the CA of its certificate; None: the machine's own.
    """

    host: str
    port: int = 443
    address: str | None = None
    server_ca: Path | None = None

    @classmethod
    def read(cls, path: Path, environment: str) -> Self:
        """One environment's entry of a file such as the laptop's ``.local/endpoints.json``.

        The file maps an environment to ``base_url``, and optionally ``address`` (host:port) and
        ``server_ca``.

        Raises:
            FileError: the file cannot be read.
            UsageError: it has no such entry.
        """
        content = files.read(path, "endpoints file", at_most=_MAXIMUM_ENDPOINTS_BYTES)
        try:
            facts = json.loads(content)[environment]
            url = urlsplit(facts["base_url"])
            address = facts.get("address")
            server_ca = facts.get("server_ca")
            port = int(address.rpartition(":")[2]) if address else url.port or 443
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UsageError(
                f"{path} has no endpoint of {environment}",
                hint='expected {"<environment>": {"base_url", "address", "server_ca"}}',
            ) from error
        if url.scheme != "https" or not url.hostname:
            raise UsageError(f"{path}: base_url of {environment}: https://<host> expected")
        return cls(
            host=url.hostname,
            port=port,
            address=address.rpartition(":")[0] if address else None,
            server_ca=Path(server_ca) if server_ca else None,
        )


@dataclass(frozen=True, slots=True)
class Canary:
    """A client of ours that calls to see whether it is let in.

    Attributes:
        endpoint: what it calls.
        folder: holds its ``client.crt`` and ``client.key``, as ``provision-client`` writes them.
    """

    endpoint: Endpoint
    folder: Path

    def call(self) -> None:
        """Make one call on a connection of its own.

        Raises:
            CanaryError: it was not let in, or nobody answered; the message says which.
            FileError: its certificate or key cannot be used.
        """
        context = self._context()
        connection = _Connection(self.endpoint, context)
        try:
            connection.request(
                "POST",
                "/token",
                urlencode({"grant_type": "client_credentials"}),
                {"Content-Type": "application/x-www-form-urlencoded"},
            )
            response = connection.getresponse()
            status, body = response.status, response.read(_MAXIMUM_ANSWER_BYTES)
        except ssl.SSLCertVerificationError as error:
            raise CanaryError(
                f"{self.endpoint.host} is not who it should be: {error.verify_message}"
            ) from error
        except (OSError, http.client.HTTPException) as error:
            # A refused handshake among them: under TLS 1.3 the client hears of it as it reads.
            raise CanaryError(
                f"{self.folder.name}: no answer from {self.endpoint.host}: {error}"
            ) from error
        finally:
            connection.close()
        if status != http.HTTPStatus.OK or not _has_token(body):
            raise CanaryError(f"{self.folder.name}: /token answered {status}{_oauth_error(body)}")

    def _context(self) -> ssl.SSLContext:
        certificate, key = self.folder / CERTIFICATE, self.folder / PRIVATE_KEY
        try:
            context = ssl.create_default_context(cafile=self.endpoint.server_ca)
            context.load_cert_chain(certificate, key)
        except OSError as error:
            raise CanaryError(
                f"the canary in {self.folder} cannot call: {error.strerror or error}",
                hint=f"it needs {CERTIFICATE}, {PRIVATE_KEY} and the server's CA: "
                "provision-client makes the first two",
            ) from error
        return context


class _Connection(http.client.HTTPSConnection):
    """Connects to the endpoint's address, whatever DNS says of its host."""

    def __init__(self, endpoint: Endpoint, context: ssl.SSLContext) -> None:
        super().__init__(endpoint.host, endpoint.port, timeout=_TIMEOUT_SECONDS, context=context)
        self._endpoint = endpoint
        self._tls = context

    @override
    def connect(self) -> None:
        target = (self._endpoint.address or self._endpoint.host, self._endpoint.port)
        plain = socket.create_connection(target, _TIMEOUT_SECONDS)
        try:
            self.sock = self._tls.wrap_socket(plain, server_hostname=self._endpoint.host)
        except BaseException:
            plain.close()
            raise


def _has_token(body: bytes) -> bool:
    return bool(_field(body, "access_token"))


def _oauth_error(body: bytes) -> str:
    error = _field(body, "error")
    return f" {error}" if error else ""


def _field(body: bytes, name: str) -> str | None:
    try:
        document = json.loads(body)
    except ValueError:
        return None
    value = document.get(name) if isinstance(document, dict) else None
    return value if isinstance(value, str) else None
