"""The edge over sockets: handshakes, refusals, and HTTP that cannot be trusted."""

import itertools
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from local.edge.http import MAX_BODY_BYTES
from local.edge.model import Snapshot
from local.edge.server import utc_now
from local.edge.tls import RefuseWith
from tests.edge.support import (
    DAY,
    HOST,
    OPEN_HOST,
    OTHER_HOST,
    Function,
    Issued,
    Reply,
    Running,
    StartEdge,
    api,
    domain,
    issue,
    read_to_end,
    snapshot,
    truststore,
)

NOW = utc_now()
ROOT = issue("Root", ca=True, now=NOW)
ISSUING = issue("Issuing", ROOT, ca=True, now=NOW)
OTHER_ROOT = issue("Other root", ca=True, now=NOW)
DEVICE = issue("device-001", ISSUING, now=NOW)
STRANGER = issue("device-001", OTHER_ROOT, now=NOW)
CONFIGURED = snapshot(
    domain(truststore(ISSUING, ROOT)),
    domain(truststore(OTHER_ROOT), OTHER_HOST),
    domain(None, OPEN_HOST),
    apis=(api(), api("open42", default_endpoint_disabled=False)),
)
DEFAULT_HOST = "abc123.execute-api.eu-west-1.amazonaws.com"
FORBIDDEN = b'{"message":"Forbidden"}'

# curl's exit codes for a handshake that the server ended, under TLS 1.2 and 1.3.
CURL_HANDSHAKE_ENDED = {35, 56}


@pytest.fixture
def edge(start_edge: StartEdge) -> Running:
    return start_edge(CONFIGURED)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_curl_with_a_known_certificate_gets_in(edge: Running, version: str) -> None:
    certificate, key = DEVICE.save(edge.directory, "device")
    code, output = edge.curl(
        f"--tlsv{version}", "--tls-max", version, "--cert", str(certificate), "--key", str(key)
    )
    assert (code, output) == (0, "ok 200")


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_curl_without_a_certificate_is_cut_off_in_the_handshake(
    edge: Running, version: str
) -> None:
    code, output = edge.curl("--tls-max", version)
    assert code in CURL_HANDSHAKE_ENDED
    assert output == " 000"
    assert edge.reasons() == ["no_client_certificate"]


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_curl_with_a_certificate_of_another_ca_gets_403(edge: Running, version: str) -> None:
    certificate, key = STRANGER.save(edge.directory, "stranger")
    code, output = edge.curl("--tls-max", version, "--cert", str(certificate), "--key", str(key))
    assert (code, output) == (0, '{"message":"Forbidden"} 403')
    assert edge.backend.events == []


def test_curl_speaking_tls_1_1_is_refused(edge: Running) -> None:
    code, _ = edge.curl("--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0")
    assert code == 35


def test_httpx_gets_in(edge: Running) -> None:
    with httpx.Client(verify=edge.context(DEVICE)) as client:
        answer = client.get(
            f"https://127.0.0.1:{edge.port}/files/a",
            headers={"host": HOST},
            extensions={"sni_hostname": HOST},
        )
    assert (answer.status_code, answer.text) == (200, "ok")


def sha1_leaf(directory: Path) -> Issued:
    """Have OpenSSL sign with SHA-1, which cryptography refuses to do."""
    device = issue("device-001", ROOT, now=NOW)
    _, key = device.save(directory, "sha1")
    root, root_key = ROOT.save(directory, "root")
    extensions = directory / "extensions"
    extensions.write_text("basicConstraints=critical,CA:FALSE\n")
    request = subprocess.run(
        ["openssl", "req", "-new", "-subj", "/CN=device-001", "-key", str(key)],
        capture_output=True,
        check=True,
    )
    made = subprocess.run(
        [
            "openssl", "x509", "-req", "-sha1", "-days", "5", "-set_serial", "7",
            "-extfile", str(extensions), "-CA", str(root), "-CAkey", str(root_key),
        ],
        input=request.stdout, capture_output=True, check=True,
    )  # fmt: skip
    return Issued(x509.load_pem_x509_certificate(made.stdout), device.key)


def weak_rsa(_directory: Path) -> Issued:
    key = rsa.generate_private_key(65537, 1024)  # noqa: S505 - the weak key is the point
    return issue("device-001", ISSUING, key=key, now=NOW)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda _d: STRANGER, "untrusted_issuer"),
        (lambda _d: issue("d", ISSUING, not_after=NOW - DAY / 2, now=NOW), "expired"),
        (lambda _d: issue("d", ISSUING, not_before=NOW + DAY, now=NOW), "not_yet_valid"),
        (weak_rsa, "weak_key"),
        (lambda _d: issue("d", ISSUING, key=ec.generate_private_key(ec.SECP521R1()), now=NOW),
         "weak_key"),
        (sha1_leaf, "weak_signature"),
    ],
    ids=["other-ca", "expired", "early", "rsa-1024", "p-521", "sha-1"],
)  # fmt: skip
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_certificate_that_is_not_accepted_gets_403(
    edge: Running, make: Callable[[Path], Issued], reason: str, version: ssl.TLSVersion
) -> None:
    leaf = make(edge.directory)
    with edge.connect(leaf, maximum_version=version) as connection:
        connection.sendall(f"GET /files/a HTTP/1.1\r\nHost: {HOST}\r\n".encode())
        connection.sendall(b"Connection: close\r\n\r\n")
        answer = Reply.parse(read_to_end(connection))
    assert (answer.status, answer.body) == (403, FORBIDDEN)
    assert edge.reasons() == [reason]
    assert edge.log.entries(1)[0].details["subjectDN"].startswith("CN=d")
    assert edge.backend.events == []


def test_intermediates_that_the_client_sends_do_not_count(start_edge: StartEdge) -> None:
    edge = start_edge(snapshot(domain(truststore(ROOT))))
    certificate, key = DEVICE.save(edge.directory, "device")
    certificate.write_bytes(DEVICE.pem + ISSUING.pem + ROOT.pem)
    code, output = edge.curl("--cert", str(certificate), "--key", str(key))
    assert (code, output) == (0, '{"message":"Forbidden"} 403')


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_refusing_by_reset_ends_the_handshake(start_edge: StartEdge, version: str) -> None:
    edge = start_edge(CONFIGURED, refuse_with=RefuseWith.RESET)
    certificate, key = STRANGER.save(edge.directory, "stranger")
    arguments = ("--tls-max", version, "--cert", str(certificate), "--key", str(key))
    code, output = edge.curl(*arguments)
    assert code in CURL_HANDSHAKE_ENDED
    assert output == " 000"
    assert edge.reasons() == ["untrusted_issuer"]


def test_refusing_by_reset_lets_known_devices_in(start_edge: StartEdge) -> None:
    edge = start_edge(CONFIGURED, refuse_with=RefuseWith.RESET)
    assert edge.get("/files/a", DEVICE).status == 200


@pytest.mark.parametrize(
    ("host", "reason"), [("unknown.example.com", "unknown_server_name"), (None, "no_server_name")]
)
def test_a_name_nobody_configured_gets_no_handshake(
    edge: Running, host: str | None, reason: str
) -> None:
    with pytest.raises(ssl.SSLError):
        edge.connect(DEVICE, host)
    assert edge.reasons() == [reason]


def test_each_domain_has_its_certificate_and_its_truststore(edge: Running) -> None:
    assert edge.get("/files/a", DEVICE).status == 200
    assert edge.get("/files/a", DEVICE, host=OTHER_HOST).status == 403
    assert edge.get("/files/a", STRANGER, host=OTHER_HOST).status == 200
    assert edge.get("/files/a", STRANGER).status == 403


def test_a_domain_without_mutual_tls_asks_for_no_certificate(edge: Running) -> None:
    assert edge.get("/files/a", host=OPEN_HOST).status == 200


def test_the_default_endpoint_asks_for_no_certificate_and_answers_404(edge: Running) -> None:
    answer = edge.get("/files/a", host=DEFAULT_HOST)
    assert (answer.status, answer.body) == (404, b'{"message":"Not Found"}')


def test_an_open_default_endpoint_is_served(edge: Running) -> None:
    host = "open42.execute-api.eu-west-1.amazonaws.com"
    assert edge.get("/files/a", host=host).status == 200


@pytest.mark.parametrize("host", [OTHER_HOST, OPEN_HOST, DEFAULT_HOST, "x.example.com"])
def test_a_request_for_another_host_is_refused_on_this_connection(edge: Running, host: str) -> None:
    lines = f"GET /files/a HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    answer = Reply.parse(edge.talk(lines.encode(), DEVICE))
    assert (answer.status, answer.body) == (403, FORBIDDEN)


def test_the_port_and_case_of_the_host_do_not_matter(edge: Running) -> None:
    lines = f"GET /files/a HTTP/1.1\r\nHost: {HOST.upper()}:8443\r\nConnection: close\r\n\r\n"
    assert Reply.parse(edge.talk(lines.encode(), DEVICE)).status == 200


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
@pytest.mark.parametrize("second", [HOST, OTHER_HOST])
def test_no_session_is_resumed(edge: Running, version: str, second: str) -> None:
    certificate, key = DEVICE.save(edge.directory, "device")
    session = edge.directory / "session"

    def s_client(host: str, *arguments: str) -> str:
        completed = subprocess.run(
            [
                "openssl", "s_client", "-connect", f"127.0.0.1:{edge.port}", "-servername", host,
                version, "-cert", str(certificate), "-key", str(key), "-ign_eof", *arguments,
            ],
            input=f"GET /files/a HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n",
            capture_output=True, text=True, check=False, timeout=20,
        )  # fmt: skip
        return completed.stdout

    assert "HTTP/1.1 200" in s_client(HOST, "-sess_out", str(session))
    resumed = s_client(second, *(["-sess_in", str(session)] if session.exists() else []))
    assert "Reused" not in resumed
    assert ("HTTP/1.1 200" if second == HOST else "HTTP/1.1 403") in resumed


def test_a_truststore_rollout_reaches_open_connections(edge: Running) -> None:
    ask = f"GET /files/a HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
    with edge.connect(DEVICE) as connection:
        connection.sendall(ask)
        first = connection.recv(65_536)
        edge.snapshot = snapshot(domain(truststore(OTHER_ROOT)))
        connection.sendall(ask)
        second = connection.recv(65_536)
    assert Reply.parse(first).status == 200
    assert Reply.parse(second).status == 403


def test_a_domain_appears_and_goes_without_a_restart(edge: Running) -> None:
    edge.snapshot = Snapshot()
    with pytest.raises(ssl.SSLError):
        edge.connect(DEVICE)
    edge.snapshot = CONFIGURED
    assert edge.get("/files/a", DEVICE).status == 200


def test_every_answer_has_a_request_id_that_is_in_the_log(edge: Running) -> None:
    answers = [edge.get("/files/a", DEVICE), edge.get("/nowhere", DEVICE)]
    entries = edge.log.entries(2)
    assert [a.headers["apigw-requestid"] for a in answers] == [e.request_id for e in entries]
    assert len({entry.request_id for entry in entries}) == 2


def test_the_log_has_what_an_operator_needs_and_no_secret(edge: Running) -> None:
    edge.get("/files/a?token=secret1", DEVICE, "Authorization: secret2", "Cookie: a=secret3")
    (entry,) = edge.log.entries(1)
    assert (entry.method, entry.path, entry.status, entry.domain) == ("GET", "/files/a", 200, HOST)
    assert entry.details["subjectDN"] == "CN=device-001"
    assert "secret" not in repr(entry)


HEAD = f"POST /files/a HTTP/1.1\r\nHost: {HOST}\r\n"


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        HEAD + "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
        HEAD + "Content-Length: 4, 5\r\n\r\nabcde",
        HEAD + "Content-Length: +4\r\n\r\nabcd",
        HEAD + "Content-Length: -1\r\n\r\n",
        HEAD + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        HEAD + "Transfer-Encoding: identity\r\nContent-Length: 4\r\n\r\nabcd",
        HEAD + "Transfer-Encoding: identity\r\n\r\n",
        HEAD + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        HEAD + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n\r\n",
        HEAD + "Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
        HEAD + "Transfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n",
        HEAD + "X: a\0b\r\n\r\n",
        HEAD + "no colon\r\n\r\n",
        HEAD + f"Host: {OTHER_HOST}\r\n\r\n",
        "GET /files/a HTTP/1.1\r\n\r\n",
        f"GET /files/a HTTP/2.0\r\nHost: {HOST}\r\n\r\n",
        f"GET  /files/a HTTP/1.1\r\nHost: {HOST}\r\n\r\n",
        f"GET files/a HTTP/1.1\r\nHost: {HOST}\r\n\r\n",
        f"GET https://{HOST}/files/a HTTP/1.1\r\nHost: {HOST}\r\n\r\n",
        f"POST /files/a HTTP/1.0\r\nHost: {HOST}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "\x16\x03\x01 not HTTP\r\n\r\n",
    ],
    ids=itertools.count(),
)
def test_a_request_that_could_be_read_in_two_ways_is_refused(edge: Running, text: str) -> None:
    # Whatever the edge takes for the end of the first, it must not find a second one behind it.
    closing = text.replace("\r\nHost:", "\r\nConnection: close\r\nHost:")
    smuggled = closing + f"GET /files/smuggled HTTP/1.1\r\nHost: {HOST}\r\n\r\n"
    answer = Reply.parse(edge.talk(smuggled.encode("latin-1"), DEVICE))
    assert answer.status == 400
    assert answer.body == b'{"message":"Bad Request"}'
    assert edge.backend.events == []
    assert [entry.status for entry in edge.log.entries(1)] == [400]


def test_pipelined_requests_are_answered_in_order(start_edge: StartEdge) -> None:
    backend = Function(lambda event: {"statusCode": 200, "body": event["rawPath"]})
    edge = start_edge(CONFIGURED, backend)
    one = f"POST /files/1 HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 3\r\n\r\nabc"
    two = f"GET /files/2 HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n"
    received = edge.talk((one + two).encode(), DEVICE)
    assert received.index(b"/files/1") < received.index(b"/files/2")
    assert received.count(b"HTTP/1.1 200") == 2


def test_a_chunked_body_reaches_the_function_whole(edge: Running) -> None:
    text = (
        HEAD + "Content-Type: text/plain\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
    )
    assert Reply.parse(edge.talk(text.encode(), DEVICE)).status == 200
    assert edge.backend.events[0]["body"] == "abcde"


def test_headers_over_the_limit_get_431(edge: Running) -> None:
    answer = edge.get("/files/a", DEVICE, "X-Long: " + "a" * 10_240)
    assert (answer.status, answer.body) == (431, b'{"message":"Request Header Fields Too Large"}')
    assert edge.get("/files/a", DEVICE, "X-Long: " + "a" * 10_000).status == 200


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_gets_413(edge: Running, *, chunked: bool) -> None:
    if chunked:
        size = MAX_BODY_BYTES + 1
        framing = f"Transfer-Encoding: chunked\r\n\r\n{size:x}\r\n".encode()
        data = HEAD.encode() + framing + b"a" * size
    else:
        data = HEAD.encode() + f"Content-Length: {MAX_BODY_BYTES + 1}\r\n\r\n".encode()
    answer = Reply.parse(edge.talk(data, DEVICE))
    assert (answer.status, answer.body) == (413, b'{"message":"Request Entity Too Large"}')
    assert edge.backend.events == []


def test_a_body_at_the_limit_is_taken(edge: Running) -> None:
    head = HEAD + f"Connection: close\r\nContent-Length: {MAX_BODY_BYTES}\r\n\r\n"
    data = head.encode() + b"a" * MAX_BODY_BYTES
    assert Reply.parse(edge.talk(data, DEVICE)).status == 200


def test_a_head_request_has_no_body(edge: Running) -> None:
    text = f"HEAD /files/a HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n"
    answer = Reply.parse(edge.talk(text.encode(), DEVICE))
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "2")


def test_an_empty_answer_has_no_length(start_edge: StartEdge) -> None:
    edge = start_edge(CONFIGURED, Function(lambda _event: {"statusCode": 204}))
    answer = edge.get("/files/a", DEVICE)
    assert (answer.status, answer.body) == (204, b"")
    assert "content-length" not in answer.headers


def test_a_bug_in_a_function_call_is_a_500_and_the_edge_goes_on(start_edge: StartEdge) -> None:
    def broken(_event: dict[str, object]) -> object:
        raise RuntimeError("a bug")

    edge = start_edge(CONFIGURED, Function(broken))
    assert [edge.get("/files/a", DEVICE).status for _ in range(2)] == [500, 500]
    assert edge.reasons(2) == ["edge_error"] * 2


def test_more_requests_than_may_wait_are_shed(
    start_edge: StartEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local.edge.server.WAITING", 0)
    entered, leave = threading.Event(), threading.Event()

    def slow(_event: dict[str, object]) -> object:
        entered.set()
        leave.wait(20)
        return {"statusCode": 200}

    edge = start_edge(CONFIGURED, Function(slow), concurrency=1)
    with edge.connect(DEVICE) as first:
        first.sendall(f"GET /files/a HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        assert entered.wait(20)
        shed = edge.get("/files/a", DEVICE)
        leave.set()
        assert Reply.parse(first.recv(65_536)).status == 200
    assert (shed.status, shed.body) == (503, b'{"message":"Service Unavailable"}')


def test_a_client_that_goes_away_early_does_no_harm(start_edge: StartEdge) -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow(_event: dict[str, object]) -> object:
        entered.set()
        leave.wait(20)
        return {"statusCode": 200}

    edge = start_edge(CONFIGURED, Function(slow))
    with edge.connect(DEVICE) as connection:
        connection.sendall(f"GET /files/a HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        assert entered.wait(20)
    leave.set()
    assert edge.get("/files/a", DEVICE).status == 200


def test_renegotiation_is_refused(edge: Running) -> None:
    certificate, key = DEVICE.save(edge.directory, "device")
    completed = subprocess.run(
        [
            "openssl", "s_client", "-connect", f"127.0.0.1:{edge.port}", "-servername", HOST,
            "-tls1_2", "-cert", str(certificate), "-key", str(key),
        ],
        input="R\n", capture_output=True, text=True, check=False, timeout=20,
    )  # fmt: skip
    assert "RENEGOTIATING" in completed.stdout + completed.stderr
    assert "no renegotiation" in completed.stderr.lower()


@pytest.mark.parametrize(
    "noise",
    [b"GET / HTTP/1.1\r\n\r\n", b"\0" * 64, b"\x16\x03\x01\xff\xff"],
    ids=["http", "zeros", "cut"],
)
def test_what_is_not_tls_does_no_harm(edge: Running, noise: bytes) -> None:
    with socket.create_connection(("127.0.0.1", edge.port), timeout=20) as connection:
        connection.sendall(noise)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(100)
    assert edge.get("/files/a", DEVICE).status == 200
