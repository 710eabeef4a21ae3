# mypy: disable-error-code="no-untyped-call"
"""TLS as API Gateway's custom domains speak it: 1.2 and 1.3, a certificate per SNI name.

Python's ``ssl`` cannot take an untrusted client certificate and refuse it later with a 403; OpenSSL
can, through pyOpenSSL: the verify callback accepts everything, and the chain is judged afterwards.
"""

import datetime as dt
from collections.abc import Callable
from enum import StrEnum

from cryptography import x509
from OpenSSL import SSL
from OpenSSL.crypto import X509
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer  # type: ignore[import-untyped]

from local.edge.certificates import ServerCertificates
from local.edge.errors import EdgeError
from local.edge.model import Domain, Snapshot
from pki.gateway.chain import Refusal, judge
from pki.gateway.truststore import UNREADABLE, ClientTrust

# The suites of security policy TLS_1_2 that have forward secrecy. Security level 0 only so that a
# weak client certificate gets through the handshake, to be refused with a 403 like any other.
_CIPHERS = b"ECDHE+AESGCM:ECDHE+AES+SHA256:ECDHE+AES+SHA384:@SECLEVEL=0"

# The type stubs are older than the package, which takes cryptography's objects: hence some ignores.
_NO_RENEGOTIATION: int = SSL.OP_NO_RENEGOTIATION  # type: ignore[attr-defined]

_DEMAND = SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT


# Why a connection was left without a certificate.
NO_SERVER_NAME = "no_server_name"
UNKNOWN_SERVER_NAME = "unknown_server_name"
NO_SERVER_CERTIFICATE = "no_server_certificate"


class RefuseWith(StrEnum):
    """How a client certificate that is not accepted is refused."""

    FORBIDDEN = "403"
    RESET = "reset"


def _accept_all(_connection: SSL.Connection, _c: X509, _error: int, _depth: int, _ok: int) -> bool:
    return True


def new_context() -> SSL.Context:
    """Make a server context without a certificate: a handshake that stays in it fails."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_cipher_list(_CIPHERS)
    # A resumed session would bring along a certificate that was judged elsewhere: none is resumed.
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_options(SSL.OP_NO_TICKET | _NO_RENEGOTIATION | SSL.OP_NO_COMPRESSION)
    return context


class EdgeConnection(SSL.Connection):
    """A connection that remembers why the edge ended its handshake, for the log."""

    refusal: str | None = None


def _refuse(connection: SSL.Connection, reason: str) -> None:
    if isinstance(connection, EdgeConnection):
        connection.refusal = reason


@implementer(IOpenSSLServerConnectionCreator)
class ServerConnections:
    """Makes the TLS side of each connection; the SNI name picks certificate and client rules."""

    def __init__(
        self,
        certificates: ServerCertificates,
        snapshot: Callable[[], Snapshot],
        *,
        clock: Callable[[], dt.datetime],
        refuse_with: RefuseWith,
        on_problem: Callable[[str], None],
    ) -> None:
        """Make a creator.

        Args:
            certificates: The server certificates.
            snapshot: Returns the current configuration.
            clock: The time, aware.
            refuse_with: A 403 after the handshake, or the end of the handshake.
            on_problem: Told when a domain's server certificate cannot be had.
        """
        self._certificates = certificates
        self._snapshot = snapshot
        self._clock = clock
        self._refuse_with = refuse_with
        self._on_problem = on_problem
        self._contexts: dict[str, SSL.Context] = {}
        self._nameless = new_context()
        self._nameless.set_tlsext_servername_callback(self._select)

    def serverConnectionForTLS(self, protocol: TLSMemoryBIOProtocol) -> EdgeConnection:  # noqa: N802, ARG002
        """Make a connection that has no certificate until SNI has named a known domain."""
        return EdgeConnection(self._nameless, None)

    def _select(self, connection: SSL.Connection) -> None:
        host = server_name(connection)
        if host is None:
            _refuse(connection, NO_SERVER_NAME)
            return
        endpoint = self._snapshot().endpoint(host)
        if endpoint is None:
            _refuse(connection, UNKNOWN_SERVER_NAME)
            return
        name = endpoint.name if isinstance(endpoint, Domain) else host
        try:
            connection.set_context(self._context(name))
        except EdgeError as error:
            _refuse(connection, NO_SERVER_CERTIFICATE)
            self._on_problem(str(error))
            return
        trust = endpoint.client_trust if isinstance(endpoint, Domain) else None
        if trust is not None:
            # On the connection: OpenSSL takes only the certificate from a context set here.
            connection.set_verify(_DEMAND, self._verifier(trust))

    def _context(self, name: str) -> SSL.Context:
        context = self._contexts.get(name)
        if context is None:
            identity = self._certificates.identity(name)
            context = new_context()
            context.use_certificate(identity.certificate)  # type: ignore[arg-type]
            context.use_privatekey(identity.key)  # type: ignore[arg-type]
            self._contexts[name] = context
        return context

    def _verifier(
        self, trust: ClientTrust
    ) -> Callable[[SSL.Connection, X509, int, int, int], bool]:
        if self._refuse_with is RefuseWith.FORBIDDEN:
            return _accept_all

        def accepted(
            connection: SSL.Connection, certificate: X509, _error: int, depth: int, _ok: int
        ) -> bool:
            if depth > 0:
                return True
            try:
                refusal = judge(certificate.to_cryptography(), trust, self._clock()).refusal
            except UNREADABLE:
                refusal = Refusal.MALFORMED
            if refusal is not None:
                _refuse(connection, refusal.value)
            return refusal is None

        return accepted


def server_name(connection: SSL.Connection) -> str | None:
    """Return the SNI name of a connection in lower case, None when it has none that is ASCII."""
    name = connection.get_servername()
    if name is None or not name.isascii():
        return None
    return name.decode("ascii").lower()


def client_certificate(connection: SSL.Connection) -> x509.Certificate | None:
    """Return the client's certificate, None when none was asked for.

    Raises:
        UNREADABLE: There is one, and it cannot be read (any of ``truststore.UNREADABLE``).
    """
    certificate: x509.Certificate | None = connection.get_peer_certificate(  # type: ignore[call-arg, assignment]
        as_cryptography=True
    )
    return certificate
