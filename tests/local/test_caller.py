"""A refused handshake is told from an edge that is not there or not the one it should be."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from local.caller import Answer, Caller, HandshakeRefusedError, Identity
from local.endpoints import Endpoint

HOST = "api.dev.example.com"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n" + b'{"client_id":"a"}'


@contextmanager
def edge(context: ssl.SSLContext | None) -> Iterator[int]:
    """One connection: a TLS server, or one that hangs up at once."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            plain, _ = listener.accept()
            with plain:
                if context is None:
                    # Reset rather than close.
                    plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    return
                try:
                    with context.wrap_socket(plain, server_side=True) as secure:
                        secure.recv(4096)
                        secure.sendall(ANSWER)
                except OSError:
                    return

        server = threading.Thread(target=serve)
        server.start()
        yield listener.getsockname()[1]
        server.join()


@pytest.fixture
def server_ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def client_ca() -> trustme.CA:
    return trustme.CA()


def server_context(server_ca: trustme.CA, client_ca: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_ca.issue_cert(HOST).configure_cert(context)
    client_ca.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def caller(port: int, server_ca: trustme.CA, tmp_path: Path) -> Caller:
    path = tmp_path / "server-ca.pem"
    server_ca.cert_pem.write_to_path(str(path))
    return Caller(Endpoint(f"https://{HOST}:{port}", f"127.0.0.1:{port}", str(path), "x"))


def identity(ca: trustme.CA, tmp_path: Path) -> Identity:
    issued = ca.issue_cert("device-001", common_name="device-001")
    made = Identity(tmp_path / "client.crt", tmp_path / "client.key")
    issued.cert_chain_pems[0].write_to_path(str(made.certificate))
    issued.private_key_pem.write_to_path(str(made.key))
    return made


def test_a_client_with_a_certificate_is_answered(
    server_ca: trustme.CA, client_ca: trustme.CA, tmp_path: Path
) -> None:
    with edge(server_context(server_ca, client_ca)) as port:
        answer = caller(port, server_ca, tmp_path).call(
            "GET", "/whoami", identity(client_ca, tmp_path)
        )
    assert answer == Answer(200, '{"client_id":"a"}')
    assert answer.field("client_id") == "a"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_without_one_is_refused_in_the_handshake(
    server_ca: trustme.CA, client_ca: trustme.CA, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    context = server_context(server_ca, client_ca)
    context.minimum_version = context.maximum_version = version
    with edge(context) as port, pytest.raises(HandshakeRefusedError):
        caller(port, server_ca, tmp_path).call("GET", "/whoami", None)


def test_a_reset_is_a_refused_handshake(server_ca: trustme.CA, tmp_path: Path) -> None:
    with edge(None) as port, pytest.raises(HandshakeRefusedError):
        caller(port, server_ca, tmp_path).call("GET", "/whoami", None)


def test_a_server_of_another_ca_is_no_refusal(
    server_ca: trustme.CA, client_ca: trustme.CA, tmp_path: Path
) -> None:
    other = trustme.CA()
    with (
        edge(server_context(server_ca, client_ca)) as port,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        caller(port, other, tmp_path).call("GET", "/whoami", None)


def test_an_edge_that_is_not_there_is_no_refusal(server_ca: trustme.CA, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        caller(port, server_ca, tmp_path).call("GET", "/whoami", None)


@pytest.mark.parametrize("body", ["", "not json", "[1]", '"text"'])
def test_a_body_that_is_no_object_has_no_fields(body: str) -> None:
    assert Answer(200, body).field("error") is None
