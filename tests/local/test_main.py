"""The command line: one clear message each, and nothing half started."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.__main__ import main


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(autouse=True)
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MTLS_LOCAL_DIR", str(tmp_path / "state"))
    return tmp_path / "state"


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("variable", ["GATEWAY_PORT", "EDGE_PORT"])
@pytest.mark.parametrize("command", ["up", "demo"])
def test_a_taken_port_is_refused_before_anything_is_started(
    command: str,
    variable: str,
    taken_port: int,
    free_port: int,
    state_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GATEWAY_PORT", str(free_port))
    monkeypatch.setenv("EDGE_PORT", str(free_port))
    monkeypatch.setenv(variable, str(taken_port))
    assert main([command]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert f"port {taken_port}" in said.err
    assert f"hint: stop the program that uses it, or choose another port: {variable}=" in said.err
    assert files(state_dir) == ["lock"]


def test_a_port_that_is_none_is_wrong_usage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GATEWAY_PORT", "http")
    assert main(["up"]) == 2
    assert "GATEWAY_PORT='http'" in capsys.readouterr().err


def test_status_of_a_platform_that_is_not_up_is_told_to_scripts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["status", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert not found["up"]
    assert (found["emulator"]["pid"], found["edge"]["pid"]) == (None, None)
    assert (found["endpoints"], found["clients"]) == ({}, [])


def test_status_of_a_platform_that_is_not_up_is_told_to_people(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["status"]) == 1
    assert "emulator:  not running" in capsys.readouterr().out


def test_down_of_a_platform_that_is_not_up_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["down"]) == 0
    assert "nothing was running" in capsys.readouterr().err


def test_down_forgets_the_cloud_and_keeps_logs_and_cache(state_dir: Path) -> None:
    for name in ("clients/a/client.key", "pins/dev/truststore.json", "logs/up.log", "cache/x"):
        path = state_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (state_dir / "endpoints.json").touch()
    assert main(["down"]) == 0
    assert files(state_dir) == ["lock", "up.log", "x"]


@pytest.mark.parametrize("arguments", [[], ["sideways"], ["up", "--json"]])
def test_wrong_usage_is_exit_code_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2


@pytest.mark.parametrize("command", ["up", "demo", "status", "down"])
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert "MTLS_LOCAL_DIR" in capsys.readouterr().out
