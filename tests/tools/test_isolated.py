"""Environments of their own, made by uv from the one lock."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tools import isolated
from tools.errors import ToolsError
from tools.paths import ROOT

Script = Callable[[Path, str], Path]


@pytest.fixture(autouse=True)
def environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "envs"
    monkeypatch.setattr(isolated, "ENVIRONMENTS", folder)
    (tmp_path / "home").mkdir()
    return folder


def test_a_group_is_synced_from_the_lock_into_an_environment_of_its_own(
    environments: Path, tmp_path: Path, script: Script, environ: dict[str, str]
) -> None:
    note = 'echo "$PWD $UV_PROJECT_ENVIRONMENT ${VIRTUAL_ENV:-none} $*" > "$HOME/asked"'
    script(tmp_path / "bin" / "uv", note)

    folder = isolated.sync("emulator", environ | {"VIRTUAL_ENV": "/venv"})

    assert folder == environments / "emulator" / "bin"
    asked = (tmp_path / "home" / "asked").read_text()
    assert asked.startswith(f"{ROOT} {environments / 'emulator'} none sync ")
    assert "--frozen" in asked
    assert asked.endswith("--only-group emulator\n")


def test_a_group_that_cannot_be_synced_shows_why(
    tmp_path: Path, script: Script, environ: dict[str, str]
) -> None:
    script(tmp_path / "bin" / "uv", "echo 'Group `x` is not defined' >&2; exit 2")

    with pytest.raises(ToolsError, match="the environment x could not be made:\nGroup"):
        isolated.sync("x", environ)


def test_without_uv_the_error_says_how_to_run_it(environ: dict[str, str]) -> None:
    with pytest.raises(ToolsError, match="uv is not on PATH") as caught:
        isolated.sync("emulator", environ)

    assert caught.value.hint == "run this through make or tools/bootstrap"
