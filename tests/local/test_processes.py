"""Background processes: started, found again, and only ever stopped when they are ours."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from local.errors import PortTakenError, ProcessError
from local.processes import Daemon, ProcessRecord, identity, require_free_port

SLEEPER = [sys.executable, "-c", "import time; print('ready', flush=True); time.sleep(600)"]


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    made = Daemon("sleeper", tmp_path / "run" / "sleeper.json", tmp_path / "sleeper.log")
    yield made
    made.stop()


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(SLEEPER, stdout=subprocess.DEVNULL, start_new_session=True) as process:
        yield process
        process.kill()


def start(daemon: Daemon, command: list[str] = SLEEPER, deadline: float = 30) -> ProcessRecord:
    return daemon.start(
        command,
        port=1,
        environ=os.environ,
        cwd=Path.cwd(),
        ready=lambda: "ready" in daemon.log.read_text(),
        deadline_seconds=deadline,
    )


def write_record(tmp_path: Path, record: ProcessRecord) -> None:
    path = tmp_path / "run" / "sleeper.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(record)))


def test_a_started_process_is_found_again_by_its_record(tmp_path: Path, daemon: Daemon) -> None:
    record = start(daemon)
    again = Daemon("sleeper", tmp_path / "run" / "sleeper.json", tmp_path / "sleeper.log")
    assert again.running() == record


def test_stop_ends_the_process_and_forgets_it(daemon: Daemon) -> None:
    record = start(daemon)
    assert daemon.stop()
    assert daemon.running() is None
    assert identity(record.pid) is None


def test_stop_ends_what_the_process_started(tmp_path: Path, daemon: Daemon) -> None:
    child = tmp_path / "child"
    parent = (
        "import subprocess, sys, time, pathlib\n"
        f"child = subprocess.Popen({SLEEPER!r}, stdout=subprocess.DEVNULL)\n"
        f"pathlib.Path({str(child)!r}).write_text(str(child.pid))\n"
        "print('ready', flush=True); time.sleep(600)\n"
    )
    start(daemon, [sys.executable, "-c", parent])
    daemon.stop()
    assert identity(int(child.read_text())) is None


def test_a_process_that_ignores_the_request_to_end_is_killed(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local.processes._TERMINATION_SECONDS", 0.2)
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('ready', flush=True); time.sleep(600)\n"
    )
    record = start(daemon, [sys.executable, "-c", stubborn])
    assert daemon.stop()
    assert identity(record.pid) is None


def test_a_process_that_took_over_the_id_is_not_touched(
    tmp_path: Path, daemon: Daemon, stranger: subprocess.Popen[bytes]
) -> None:
    write_record(tmp_path, ProcessRecord(stranger.pid, "another boot/1", 1))
    assert daemon.running() is None
    assert not daemon.stop()
    assert stranger.poll() is None
    assert not (tmp_path / "run" / "sleeper.json").exists()


def test_a_record_of_a_process_that_ended_means_not_running(
    tmp_path: Path, daemon: Daemon, stranger: subprocess.Popen[bytes]
) -> None:
    started = identity(stranger.pid)
    assert started is not None
    write_record(tmp_path, ProcessRecord(stranger.pid, started, 1))
    assert daemon.running() is not None
    stranger.send_signal(signal.SIGKILL)
    stranger.wait()
    assert daemon.running() is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', "null"])
def test_a_torn_record_means_not_running(tmp_path: Path, daemon: Daemon, text: str) -> None:
    write_record(tmp_path, ProcessRecord(1, "", 1))
    (tmp_path / "run" / "sleeper.json").write_text(text)
    assert daemon.running() is None


def test_a_process_that_ends_at_once_is_an_error_with_its_last_words(
    tmp_path: Path, daemon: Daemon
) -> None:
    with pytest.raises(ProcessError, match="exit code 3") as failed:
        start(daemon, [sys.executable, "-c", "print('no such luck'); raise SystemExit(3)"])
    assert "no such luck" in str(failed.value)
    assert str(daemon.log) in failed.value.hint
    assert not (tmp_path / "run" / "sleeper.json").exists()


def test_a_process_that_is_not_ready_in_time_is_stopped(daemon: Daemon) -> None:
    with pytest.raises(ProcessError, match="not ready in time"):
        daemon.start(
            SLEEPER,
            port=1,
            environ=os.environ,
            cwd=Path.cwd(),
            ready=lambda: False,
            deadline_seconds=0.2,
        )
    assert daemon.running() is None


def test_identity_of_a_process_stays_the_same(stranger: subprocess.Popen[bytes]) -> None:
    assert identity(stranger.pid) == identity(stranger.pid)
    assert identity(stranger.pid) != identity(os.getpid())


def test_a_taken_port_is_named_with_a_way_out() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError, match=str(port)) as refused:
            require_free_port(port, "emulator", "GATEWAY_PORT")
    assert f"GATEWAY_PORT={port + 1}" in refused.value.hint


def test_a_port_taken_on_every_interface_is_taken() -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("0.0.0.0", 0))  # noqa: S104
        taken.listen()
        with pytest.raises(PortTakenError):
            require_free_port(taken.getsockname()[1], "edge", "EDGE_PORT")


def test_a_free_port_passes() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    require_free_port(port, "edge", "EDGE_PORT")
