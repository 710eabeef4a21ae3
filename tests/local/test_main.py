"""The command line: one clear message each, and nothing half started."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import EndpointConnectionError

from local import __main__ as command_line
from local.__main__ import main
from local.demo import Played
from local.endpoints import Endpoint
from local.status import Part, Status
from local.story import SCENES, Scene, Seen, Stage


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


@pytest.mark.parametrize("command", ["up", "demo"])
def test_an_environment_that_is_none_is_refused_before_anything_is_started(
    command: str,
    state_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("ENVIRONMENTS", "dev,production")
    assert main([command]) == 2
    said = capsys.readouterr().err
    assert "ENVIRONMENTS: live/ has no environment 'production'\nhint: choose from dev" in said
    assert not state_dir.exists()


def test_status_shows_every_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint = Endpoint("https://api.dev.example.com:8443", "127.0.0.1:8443", "ca.pem", "x")
    running = Part(1, 2, "log")
    found = Status(running, running, {"dev": endpoint}, ["stage", "prod"], [])
    monkeypatch.setattr(command_line, "status", lambda *_: found)
    assert main(["status"]) == 0
    said = capsys.readouterr().out
    assert "dev:       https://api.dev.example.com:8443 at 127.0.0.1:8443\n" in said
    assert "stage:     not brought up: make up ENVIRONMENTS=stage adds it\n" in said
    assert "prod:      not brought up" in said


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


@pytest.mark.parametrize("command", ["up", "demo", "status", "down"])
def test_a_state_folder_that_is_a_file_is_wrong_usage(
    command: str, state_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state_dir.touch()
    assert main([command]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[0] == f"error: MTLS_LOCAL_DIR={state_dir} is no folder"
    assert said[1].startswith("hint: ")


@pytest.mark.parametrize("command", ["up", "demo", "down"])
def test_a_state_folder_that_cannot_be_made_is_named(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MTLS_LOCAL_DIR", str(tmp_path / "file" / "below"))
    assert main([command]) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[0] == f"error: {tmp_path}/file/below/run: Not a directory"
    assert said[1].startswith("hint: check that the folder MTLS_LOCAL_DIR names")


def test_status_names_a_damaged_file(state_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state_dir.mkdir()
    (state_dir / "endpoints.json").write_text("{")
    assert main(["status"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"error: {state_dir}/endpoints.json is damaged: ")
    assert "hint: make down, then make up\n" in said.err


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (
            EndpointConnectionError(endpoint_url="http://e"),
            1,
            "error: the emulator does not answer",
        ),
        (PermissionError(13, "Permission denied", "/s"), 1, "error: /s: Permission denied"),
        (KeyboardInterrupt(), 130, "error: interrupted"),
    ],
    ids=["emulator", "files", "interrupted"],
)
def test_whatever_ends_up_is_one_message_and_a_hint(
    error: BaseException,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def up(*_: object) -> dict[str, Endpoint]:
        raise error

    monkeypatch.setattr(command_line, "up", up)
    assert main(["up"]) == code
    told = capsys.readouterr().err
    assert told.startswith(said)
    assert "\nhint: " in told


@pytest.mark.parametrize("ok", [True, False])
def test_the_demo_is_told_to_scripts(
    ok: bool,  # noqa: FBT001
    state_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    scene: Scene = SCENES[0]
    endpoint = Endpoint("https://api.dev.example.com:8443", "127.0.0.1:8443", "ca.pem", "x")
    monkeypatch.setattr(command_line, "up", lambda *_: {"dev": endpoint})
    monkeypatch.setattr(Stage, "connect", lambda *_: None)
    played = [Played(scene, Seen("200", as_expected=ok))]
    monkeypatch.setattr(command_line, "demo", lambda *_: played)
    assert main(["demo", "--json"]) == (0 if ok else 1)
    assert json.loads(capsys.readouterr().out) == [
        {
            "name": scene.name,
            "title": scene.title,
            "expected": scene.expected,
            "seen": "200",
            "ok": ok,
        }
    ]


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
    told = capsys.readouterr().out
    assert "MTLS_LOCAL_DIR" in told
    assert "130 interrupted" in told
