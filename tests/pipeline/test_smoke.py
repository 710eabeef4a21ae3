"""A look at an API from outside, at servers that shut their door and at ones that do not."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
import trustme

from pipeline.__main__ import main
from pipeline.smoke import Target, look

HOST = "api.dev.example.com"
NOW = datetime.now(UTC)

type Answer = Callable[[ssl.SSLSocket], bytes]


@contextmanager
def serving(
    ca: trustme.CA,
    folder: Path,
    *,
    demands: bool = True,
    answer: bytes = b"HTTP/1.1 200 OK\r\n\r\n",
    lasts: timedelta = timedelta(days=90),
) -> Iterator[Target]:
    """A TLS server that demands a certificate of its own CA, or takes anybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    names = (HOST, "default.example.com")
    ca.issue_cert(*names, not_after=NOW + lasts).configure_cert(context)
    if demands:
        trustme.CA().configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    ca.cert_pem.write_to_path(folder / "ca.pem")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    plain, _ = server.accept()
                except OSError:
                    return
                with suppress(OSError), plain, context.wrap_socket(plain, server_side=True) as one:
                    one.recv(1_000)
                    one.sendall(answer)

        Thread(target=serve, daemon=True).start()
        yield Target(HOST, 443, server.getsockname(), folder / "ca.pem")
        server.shutdown(socket.SHUT_RDWR)


def seen(target: Target) -> dict[str, bool | None]:
    return {check.name.rsplit(" ", 1)[-1]: check.passed for check in look(target, NOW)}


def test_a_door_that_is_shut_passes(tmp_path: Path) -> None:
    with serving(trustme.CA(), tmp_path) as target:
        checks = look(target, NOW)

    assert [check.passed for check in checks] == [True, True, True, True, None]
    assert "89 days left" in checks[1].detail


def test_a_stranger_may_be_told_403(tmp_path: Path) -> None:
    with serving(
        trustme.CA(), tmp_path, demands=False, answer=b"HTTP/1.1 403 No\r\n\r\n"
    ) as target:
        found = seen(target)

    assert found["stranger"] is True
    # Whoever has none must not even get that far.
    assert found["certificate"] is False


def test_a_door_that_is_open_fails(tmp_path: Path) -> None:
    with serving(trustme.CA(), tmp_path, demands=False) as target:
        found = seen(target)

    assert found["certificate"] is False
    assert found["stranger"] is False


@pytest.mark.parametrize(("status", "closed"), [("404", True), ("403", True), ("200", False)])
def test_the_default_endpoint_has_to_be_off(tmp_path: Path, status: str, *, closed: bool) -> None:
    answer = f"HTTP/1.1 {status} X\r\n\r\n".encode()
    with serving(trustme.CA(), tmp_path, demands=False, answer=answer) as target:
        found = seen(replace(target, default_endpoint="default.example.com"))

    assert found["off"] is closed


def test_a_certificate_that_ends_soon_fails(tmp_path: Path) -> None:
    with serving(trustme.CA(), tmp_path, lasts=timedelta(days=5)) as target:
        assert seen(target)["lasts"] is False


def test_a_server_of_another_ca_fails_everything(tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    with serving(trustme.CA(), tmp_path) as target:
        found = seen(replace(target, server_ca=other))

    assert found == {
        "resolves": True,
        "lasts": False,
        "certificate": False,
        "stranger": False,
        "off": None,
    }


def test_nothing_listening_is_no_shut_door() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()

    assert not any(check.passed for check in look(Target(HOST, 443, address), NOW)[1:])


def test_a_name_that_is_not_in_dns_fails() -> None:
    (check,) = look(Target("api.dev.invalid"), NOW)

    assert check.passed is False


def test_an_environment_that_is_none_is_wrong_usage() -> None:
    assert main(["smoke", "--environment", "moon"]) == 2
