"""The command as a user runs it."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.edge.__main__ import parser
from local.edge.server import utc_now
from tests.edge.emulator import Answer, Emulator, configure
from tests.edge.support import (
    ACCOUNT,
    HOST,
    Function,
    Reply,
    Running,
    issue,
    read_to_end,
    snapshot,
)

NOW = utc_now()
ROOT = issue("Root", ca=True, now=NOW)
DEVICE = issue("device-001", ROOT, now=NOW)

ENVIRONMENT = {
    name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "EDGE_"))
}


def arguments(emulator_url: str, state: Path, *more: str) -> list[str]:
    return [
        sys.executable, "-m", "local.edge", "--endpoint-url", emulator_url,
        "--account", ACCOUNT, "--region", "eu-west-1", "--state-dir", str(state), *more,
    ]  # fmt: skip


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, env=ENVIRONMENT, timeout=60, check=False
    )


@contextmanager
def started(command: list[str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    )
    with process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def client_of(ready: str, directory: Path, state: Path) -> Running:
    port = int(ready.split(" for ", maxsplit=1)[0].rpartition(":")[2])
    return Running(snapshot(), state / "server-ca.pem", directory, Function(), port)


def test_a_request_goes_from_the_client_through_the_authorizer_to_the_function(
    emulator: Emulator, tmp_path: Path
) -> None:
    configure(emulator, ROOT.pem)
    state, log = tmp_path / "state", tmp_path / "edge.log"
    command = arguments(emulator.url, state, "--port", "0", "--log-file", str(log))
    with started(command) as (process, ready):
        assert ready.startswith("listening on https://127.0.0.1:")
        assert ready.endswith(f" for {HOST}")
        client = client_of(ready, tmp_path, state)
        allowed = client.get("/whoami", DEVICE, "Authorization: Bearer good")
        denied = client.get("/whoami", DEVICE, "Authorization: Bearer bad")
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=30)
        assert process.returncode == 0
    event = json.loads(allowed.body)
    assert allowed.status == 200
    assert event["requestContext"]["domainName"] == HOST
    assert event["requestContext"]["authentication"]["clientCert"]["subjectDN"] == "CN=device-001"
    assert denied.status == 403
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    assert [entry["status"] for entry in entries] == [200, 403]
    assert entries[1]["reason"] == "denied_by_authorizer"
    assert "Bearer" not in log.read_text()
    assert (output, errors) == ("", "")


def test_a_change_of_the_control_plane_arrives_by_itself(
    emulator: Emulator, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    command = arguments(emulator.url, state, "--port", "0", "--refresh", "0.05")
    with started(command) as (process, ready):
        assert ready.endswith(" for no domain yet")
        client = client_of(ready, tmp_path, state)
        code, _ = client.curl()
        assert code == 35
        configure(emulator, ROOT.pem)
        certificate, key = DEVICE.save(tmp_path, "device")
        code, output = client.curl(
            "--retry", "20", "--retry-all-errors", "--retry-delay", "1", "--retry-max-time", "15",
            "--cert", str(certificate), "--key", str(key), "--data", "x", path="/token",
        )  # fmt: skip
        assert code == 0
        assert output.endswith(" 200")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_a_request_under_way_is_answered_before_it_ends(emulator: Emulator, tmp_path: Path) -> None:
    configure(emulator, ROOT.pem)
    entered, leave = threading.Event(), threading.Event()

    def slow(_event: dict[str, object]) -> Answer:
        entered.set()
        leave.wait(30)
        return Answer(body=b'"done"')

    emulator.functions["backend"] = slow
    state = tmp_path / "state"
    with started(arguments(emulator.url, state, "--port", "0")) as (process, ready):
        client = client_of(ready, tmp_path, state)
        with client.connect(DEVICE) as connection:
            connection.sendall(
                f"POST /token HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()
            )
            assert entered.wait(30)
            process.send_signal(signal.SIGTERM)
            leave.set()
            answer = Reply.parse(read_to_end(connection))
        assert (answer.status, answer.body) == (200, b"done")
        assert process.wait(30) == 0


def test_without_an_emulator_it_says_so_and_ends(tmp_path: Path) -> None:
    ended = run(arguments("http://127.0.0.1:1", tmp_path, "--port", "0"))
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.splitlines() == [
        "error: the emulator does not answer at http://127.0.0.1:1",
        "hint: start it first, or correct --endpoint-url",
    ]


def test_a_taken_port_is_one_clear_message(emulator: Emulator, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run(arguments(emulator.url, tmp_path, "--port", str(port)))
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        f"error: cannot listen on 127.0.0.1 port {port}: Address already in use",
        "hint: end what has the port, or choose another with --port",
    ]


def test_damaged_state_is_one_clear_message(tmp_path: Path) -> None:
    (tmp_path / "server-ca.pem").write_text("damaged")
    ended = run(arguments("http://127.0.0.1:1", tmp_path, "--port", "0"))
    assert ended.returncode == 1
    assert "server-ca.pem or its key is missing or damaged" in ended.stderr
    assert "hint: remove server-ca.pem and server-ca.key" in ended.stderr


def test_a_log_file_that_cannot_be_written_is_one_clear_message(tmp_path: Path) -> None:
    log = tmp_path / "absent" / "edge.log"
    ended = run(arguments("http://127.0.0.1:1", tmp_path, "--log-file", str(log)))
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"error: cannot write the log file {log}")


VALID = {"--account": ACCOUNT, "--state-dir": "state"}


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--account", "1234", "12 digits"),
        ("--account", "12345678901x", "12 digits"),
        ("--port", "65536", "0 to 65535"),
        ("--port", "-1", "0 to 65535"),
        ("--listen", "0.0.0.0", "not a loopback address"),  # noqa: S104 - refused
        ("--listen", "192.168.1.1", "not a loopback address"),
        ("--listen", "localhost", "not an IP address"),
        ("--endpoint-url", "localhost:4566", "not an http(s) URL"),
        ("--refresh", "0", "0.05 to 3600"),
        ("--refuse-with", "401", "(choose from '403', 'reset')"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_what_is_wrong(
    option: str, value: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [f"{name}={setting}" for name, setting in (VALID | {option: value}).items()]
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(options)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_an_account_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(["--state-dir", "state"])
    assert ended.value.code == 2
    assert "--account" in capsys.readouterr().err


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1"])
def test_loopback_addresses_are_taken(address: str) -> None:
    options = [f"{name}={value}" for name, value in (VALID | {"--listen": address}).items()]
    assert parser().parse_args(options).listen == address


def test_help_names_every_option() -> None:
    ended = run([sys.executable, "-m", "local.edge", "--help"])
    assert ended.returncode == 0
    for action in parser()._actions:
        assert action.option_strings[-1] in ended.stdout
    assert "exit codes: 0 ended, 1 could not run, 2 wrong usage" in ended.stdout.lower()
