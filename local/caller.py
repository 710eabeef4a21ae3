"""A client of the API as any device would be: TLS with or without a certificate, then HTTP."""

import http.client
import json
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, override
from urllib.parse import urlencode

from local.endpoints import Endpoint
from local.processes import LOOPBACK

_TIMEOUT_SECONDS = 30.0


class HandshakeRefusedError(Exception):
    """The server ended the connection instead of completing the TLS handshake."""


@dataclass(frozen=True)
class Identity:
    """What a client presents.

    Attributes:
        certificate: PEM file of the certificate, with or without its chain.
        key: PEM file of its private key.
    """

    certificate: Path
    key: Path


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    body: str

    def field(self, name: str) -> Any:
        """A member of the JSON object in the body; None when there is none."""
        try:
            document = json.loads(self.body)
        except ValueError:
            return None
        return document.get(name) if isinstance(document, dict) else None


class Caller:
    """Calls one environment's API at the edge."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def call(
        self,
        method: str,
        path: str,
        identity: Identity | None,
        *,
        token: str | None = None,
        form: Mapping[str, str] | None = None,
        content: tuple[str, bytes] | None = None,
        host: str | None = None,
    ) -> Answer:
        """Make one request on a connection of its own.

        Args:
            method: HTTP method.
            path: path of the request.
            identity: the client certificate to present, or none.
            token: a bearer token.
            form: fields of a form to send.
            content: media type and body to send instead of a form.
            host: another name than the environment's, for SNI and Host.

        Raises:
            HandshakeRefusedError: the server ended the connection.
            OSError: the edge cannot be reached, or is not who it should be.
        """
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        if form is not None:
            content = ("application/x-www-form-urlencoded", urlencode(form).encode("ascii"))
        body = None
        if content is not None:
            headers["Content-Type"], body = content
        connection = _Connection(
            host or self._endpoint.host, self._endpoint.port, self._context(identity)
        )
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return Answer(response.status, response.read().decode("utf-8", errors="replace"))
        except ssl.SSLCertVerificationError:
            raise
        except (ssl.SSLError, ConnectionResetError, BrokenPipeError) as error:
            # Under TLS 1.3 the client is done first, and hears of the refusal as it reads.
            raise HandshakeRefusedError(str(error)) from error
        finally:
            connection.close()

    def _context(self, identity: Identity | None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self._endpoint.server_ca)
        if identity is not None:
            context.load_cert_chain(identity.certificate, identity.key)
        return context


class _Connection(http.client.HTTPSConnection):
    """Connects to the loopback interface whatever the host's name is."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext) -> None:
        super().__init__(host, port, timeout=_TIMEOUT_SECONDS, context=context)
        self._tls = context

    @override
    def connect(self) -> None:
        """Open the connection."""
        plain = socket.create_connection((LOOPBACK, self.port), _TIMEOUT_SECONDS)
        try:
            self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise
