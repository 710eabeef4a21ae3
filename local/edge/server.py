# mypy: disable-error-code="no-untyped-call,no-untyped-def"
"""Sockets: HTTP/1.1 over TLS with Twisted, in front of the gateway.

The reactor's thread parses and decides what needs no function call; functions are called in a
bounded pool of threads, and a request that finds it full is shed with a 503.
"""

import base64
import datetime as dt
import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from OpenSSL import SSL
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IHandshakeListener
from twisted.internet.protocol import ServerFactory
from twisted.internet.threads import deferToThreadPool
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool
from twisted.web import http
from zope.interface import implementer  # type: ignore[import-untyped]

from local.edge.errors import ListenError
from local.edge.gateway import Admitted, ClientCertificate, Connection, Gateway
from local.edge.http import (
    BAD_REQUEST,
    HEADERS_TOO_LARGE,
    INTERNAL_ERROR,
    MAX_BODY_BYTES,
    MAX_HEADER_BYTES,
    TOO_LARGE,
    UNAVAILABLE,
    Answer,
    LogEntry,
    Refused,
    Request,
)
from local.edge.model import Snapshot
from local.edge.response import REQUEST_ID_HEADER
from local.edge.tls import EdgeConnection, ServerConnections, client_certificate, server_name
from pki.gateway.truststore import UNREADABLE

IDLE_SECONDS = 60
LINGER_SECONDS = 10
CONCURRENCY = 64
WAITING = 64
DRAIN_SECONDS = 5
FLUSH_SECONDS = 0.2

_NO_CONTENT = frozenset({204, 304})

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Edge:
    """What all connections share.

    Attributes:
        snapshot: Returns the current configuration.
        gateway: Decides and calls functions.
        access_log: Takes one entry per request.
        reactor: Twisted's reactor.
        clock: Seconds since the epoch.
        concurrency: How many requests may have their functions called at once.
    """

    snapshot: Callable[[], Snapshot]
    gateway: Gateway
    access_log: Callable[[LogEntry], None]
    reactor: Any
    clock: Callable[[], float] = time.time
    concurrency: int = CONCURRENCY
    pool: ThreadPool = field(init=False)
    _running: int = field(init=False, default=0)
    _drained: "Deferred[None] | None" = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.pool = ThreadPool(0, self.concurrency, "edge")
        # Daemons: a function that hangs must not keep a process that was told to end.
        self.pool.threadFactory = _daemon  # type: ignore[assignment]
        self.pool.start()

    def admit(self, connection: Connection, request: Request) -> Admitted | Answer:
        """Decide what needs no function call (see ``Gateway.admit``); a bug becomes a 500."""
        try:
            return self.gateway.admit(self.snapshot(), connection, request)
        except Exception:  # noqa: BLE001
            _log.exception("a request failed")
            return INTERNAL_ERROR.because("edge_error")

    def run(self, admitted: Admitted) -> "Deferred[Answer]":
        """Call the functions of a request in a thread, or shed it when too many wait."""
        if self._running >= self.concurrency + WAITING:
            shed: Deferred[Answer] = Deferred()
            shed.callback(UNAVAILABLE.because("overload"))
            return shed
        self._running += 1
        running = deferToThreadPool(self.reactor, self.pool, self.gateway.run, admitted)
        running.addBoth(self._ran)
        return running

    def drain(self) -> "Deferred[None]":
        """Wait until nothing runs, at most ``DRAIN_SECONDS``."""
        drained: Deferred[None] = Deferred()
        if self._running:
            self._drained = drained
            drained.addTimeout(DRAIN_SECONDS, self.reactor)
            drained.addErrback(lambda _: None)
        else:
            drained.callback(None)
        return drained

    def _ran(self, result: Answer | Failure) -> Answer:
        self._running -= 1
        if self._drained is not None and not self._running:
            drained, self._drained = self._drained, None
            # The last answer still has to get through the TLS layer, which gathers small writes.
            self.reactor.callLater(FLUSH_SECONDS, _finish, drained)
        if isinstance(result, Failure):
            _log.error("a request failed: %s", result.getTraceback())
            return INTERNAL_ERROR.because("edge_error")
        return result


def _finish(drained: "Deferred[None]") -> None:
    if not drained.called:  # It may have timed out meanwhile.
        drained.callback(None)


def _daemon(**arguments: Any) -> threading.Thread:
    return threading.Thread(daemon=True, **arguments)


class EdgeRequest(http.Request):
    """One request on a connection."""

    channel: "EdgeChannel"

    def __init__(self, channel: "EdgeChannel", queued: object = False) -> None:  # noqa: FBT002
        # Forms are the function's to parse.
        super().__init__(channel, queued, parsePOSTFormSubmission=False)
        self._edge = channel.factory.edge
        self._tls = channel
        self._started = self._edge.clock()
        self._id = request_id()
        self._size = 0
        self._details: Mapping[str, str] = {}

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802
        """Take a part of the body; too much of it ends the request with a 413."""
        if self._tls.rejected:
            return
        self._size += len(data)
        if self._size > MAX_BODY_BYTES:
            self._tls.reject(TOO_LARGE, "body_too_large")
            return
        super().handleContentChunk(data)

    def process(self) -> None:
        """Decide about the complete request, and answer."""
        headers = tuple(
            (name.decode("ascii").lower(), value.decode("utf-8", "replace"))
            for name, values in self.requestHeaders.getAllRawHeaders()
            for value in values
        )
        request = Request(
            method=self.method.decode("ascii"),
            target=self.uri.decode("ascii"),
            headers=headers,
            body=self.content.read() if self.content is not None else b"",
            source_ip=self._tls.peer_address,
            time=self._started,
            id=self._id,
            protocol=self.clientproto.decode("ascii"),
            port=self.host.port,
        )
        if request.host is None or not request.target.startswith("/"):
            self._tls.reject(BAD_REQUEST, "no_single_host_or_no_path")
            return
        outcome = self._edge.admit(self._tls.connection, request)
        if isinstance(outcome, Answer):
            self.answer(outcome)
            return
        self._details = {"routeKey": outcome.call.route.key, "stage": outcome.call.stage.name}
        self._edge.run(outcome).addCallback(self.answer).addErrback(self._broken)

    def answer(self, answer: Answer) -> None:
        """Send an answer, if the client is still there, and log it."""
        self._record(answer)
        if self._disconnected:
            return
        self.setResponseCode(answer.status)
        for name, value in answer.headers:
            self.responseHeaders.addRawHeader(name.encode(), value.encode("utf-8", "replace"))
        self.setHeader(b"date", http.datetimeToString())
        self.setHeader(REQUEST_ID_HEADER.encode(), self._id.encode())
        if answer.status not in _NO_CONTENT:
            self.setHeader(b"content-length", str(len(answer.body)).encode())
        self.write(answer.body)
        self.finish()

    def _broken(self, failure: Failure) -> None:
        _log.error("an answer could not be sent: %s", failure.getTraceback())
        self._tls.transport.abortConnection()

    def _record(self, answer: Answer) -> None:
        path = self.uri.partition(b"?")[0].decode("ascii", "replace")
        self._tls.record(
            request_id=self._id,
            started=self._started,
            method=self.method.decode("ascii", "replace"),
            path=path,
            status=answer.status,
            reason=answer.reason,
            details=self._details,
        )


@implementer(IHandshakeListener)
class EdgeChannel(http.HTTPChannel):
    """One connection: its TLS facts, and HTTP/1.1 with API Gateway's limits."""

    factory: "EdgeFactory"
    transport: Any  # Twisted's TLS protocol, which its interfaces do not describe
    requestFactory = EdgeRequest  # type: ignore[assignment]  # noqa: N815
    timeOut = IDLE_SECONDS  # noqa: N815
    # Hard limits of the parser; API Gateway's own are checked once a request is readable.
    totalHeadersSize = 65_536  # noqa: N815
    MAX_LENGTH = 65_536

    def __init__(self) -> None:
        super().__init__()
        self.connection: Connection = Connection("")
        self.rejected = False
        self._handshaken = False
        self._tls_version: str | None = None
        self._header_bytes = 0

    @property
    def peer_address(self) -> str:
        """The client's IP address."""
        return str(self.getPeer().host)

    def handshakeCompleted(self) -> None:  # noqa: N802
        """Take what TLS established."""
        self._handshaken = True
        handle: SSL.Connection = self.transport.getHandle()
        self._tls_version = handle.get_protocol_version_name()
        sni = server_name(handle) or ""
        try:
            certificate = client_certificate(handle)
        except UNREADABLE:
            self.connection = Connection(sni, malformed=True)
            return
        client = ClientCertificate(certificate) if certificate is not None else None
        self.connection = Connection(sni, client)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]  # noqa: N802
        """Log a handshake that failed, and clean up."""
        if not self._handshaken and isinstance(reason.value, SSL.Error):
            self.record(
                request_id=request_id(),
                started=self.factory.edge.clock(),
                reason=self._handshake_problem(reason.value),
            )
        super().connectionLost(reason)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        """Read on, unless the connection's last answer has been given."""
        if not self.rejected:
            super().dataReceived(data)

    def headerReceived(self, line: bytes) -> bool:  # noqa: N802
        """Count a header."""
        self._header_bytes += len(line)
        return bool(super().headerReceived(line))

    def allHeadersReceived(self) -> None:  # noqa: N802
        """Check the limits before a client is told to go on with its body."""
        size = self._header_bytes + len(self._command) + len(self._path)  # type: ignore[arg-type]
        self._header_bytes = 0
        request = self.requests[-1]
        request.method, request.uri = self._command, self._path
        request.clientproto = self._version
        if size > MAX_HEADER_BYTES:
            self.reject(HEADERS_TOO_LARGE, "headers_too_large")
        elif not self._framing_is_clear(request):
            self.reject(BAD_REQUEST, "unclear_framing")
        elif self.length is not None and self.length > MAX_BODY_BYTES:
            self.reject(TOO_LARGE, "body_too_large")
        else:
            super().allHeadersReceived()

    def _framing_is_clear(self, request: EdgeRequest) -> bool:
        # RFC 9112 section 6. The parser has refused two lengths, and a length beside chunks.
        codings = request.requestHeaders.getRawHeaders(b"transfer-encoding", [])
        if not codings:
            return True
        return self._version == b"HTTP/1.1" and [c.lower() for c in codings] == [b"chunked"]

    def allContentReceived(self) -> None:  # noqa: N802
        """Process the request, unless it has been rejected already."""
        if not self.rejected:
            super().allContentReceived()

    def lineLengthExceeded(self, line: bytes) -> None:  # noqa: N802, ARG002
        """Refuse a line beyond the parser's limit."""
        self._respondToBadRequestAndDisconnect()

    def reject(self, refused: Refused, reason: str) -> None:
        """Answer the request being read, and close: what follows it cannot be trusted."""
        self.persistent = False
        self.rejected = True
        self.requests[-1].responseHeaders.setRawHeaders(b"connection", [b"close"])
        self.requests[-1].answer(refused.because(reason))
        self._linger()

    def _respondToBadRequestAndDisconnect(self) -> None:  # noqa: N802
        # Called by the parser for whatever it cannot read, conflicting lengths included.
        if self.rejected:
            return
        self.rejected = True
        answer = BAD_REQUEST.because("malformed_request")
        self.record(
            request_id=request_id(),
            started=self.factory.edge.clock(),
            status=answer.status,
            reason=answer.reason,
        )
        self.transport.write(
            b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n"
            b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (len(answer.body), answer.body)
        )
        self.loseConnection()
        self._linger()

    def _linger(self) -> None:
        # Closing at once could destroy the answer on its way; waiting for ever is no better.
        if self._abortingCall is None:
            self._abortingCall = self.callLater(LINGER_SECONDS, self.forceAbortClient)

    def record(
        self,
        *,
        request_id: str,
        started: float,
        method: str | None = None,
        path: str | None = None,
        status: int | None = None,
        reason: str | None = None,
        details: Mapping[str, str] | None = None,
    ) -> None:
        """Write an entry to the access log."""
        edge = self.factory.edge
        described: dict[str, str] = {}
        if self.connection.client is not None:
            try:
                cert = self.connection.client.describe()
            except UNREADABLE:
                described["subjectDN"] = "(unreadable)"
            else:
                described["subjectDN"] = str(cert["subjectDN"])
                described["serialNumber"] = str(cert["serialNumber"])
        edge.access_log(
            LogEntry(
                request_id=request_id,
                time=started,
                source_ip=self.peer_address,
                domain=self.connection.sni or None,
                method=method,
                path=path,
                status=status,
                reason=reason,
                duration_ms=round((edge.clock() - started) * 1000),
                tls=self._tls_version,
                details={**described, **(details or {})},
            )
        )

    def _handshake_problem(self, error: SSL.Error) -> str:
        handle: EdgeConnection = self.transport.getHandle()
        self.connection = Connection(server_name(handle) or "")
        if handle.refusal is not None:
            return handle.refusal
        text = _openssl_text(error)
        return "no_client_certificate" if "did not return a certificate" in text else text


def _openssl_text(error: SSL.Error) -> str:
    queue = error.args[0] if error.args else ()
    reasons = [entry[2] for entry in queue] if isinstance(queue, list | tuple) else []
    return f"tls: {reasons[-1] if reasons else 'connection lost in the handshake'}"


class EdgeFactory(ServerFactory):
    """Makes the channel of each connection."""

    protocol = EdgeChannel  # type: ignore[assignment]
    noisy = False

    def __init__(self, edge: Edge) -> None:
        self.edge = edge

    def log(self, request: http.Request) -> None:
        """Do nothing: ``EdgeRequest`` has logged the answer already."""


def listen(edge: Edge, connections: ServerConnections, address: str, port: int) -> Any:
    """Begin to take connections.

    Args:
        edge: What they share.
        connections: Their TLS side.
        address: IP address to listen on.
        port: Port to listen on, 0 for any.

    Returns:
        The listening port, an ``IListeningPort``.

    Raises:
        ListenError: The address cannot be had.
    """
    channels: Any = EdgeFactory(edge)
    creator: Any = connections
    factory = TLSMemoryBIOFactory(creator, False, channels, edge.reactor)  # noqa: FBT003
    try:
        return edge.reactor.listenTCP(port, factory, backlog=512, interface=address)
    except CannotListenError as error:
        reason = getattr(error.socketError, "strerror", None) or error.socketError
        raise ListenError(
            f"cannot listen on {address} port {port}: {reason}",
            hint="end what has the port, or choose another with --port",
        ) from error


def request_id() -> str:
    """Make a request id in the form of HTTP APIs, such as ``JKJaXmPLvHcESHA=``."""
    return base64.urlsafe_b64encode(secrets.token_bytes(11)).decode("ascii")


def utc_now() -> dt.datetime:
    """Return the time, aware."""
    return dt.datetime.now(dt.UTC)
