"""The table of the demo, and what it makes of surprises."""

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from rich.console import Console

from local.caller import HandshakeRefusedError
from local.demo import demo
from local.errors import LocalError, NotRunningError
from local.progress import Progress
from local.settings import Settings
from local.story import SCENES, Scene, Seen, Stage

NOBODY = cast("Stage", None)  # these scenes ask nothing of the stage


def play(*scenes: Scene) -> tuple[bool, str]:
    out = Console(file=io.StringIO(), width=120)
    succeeded = demo(NOBODY, Progress(Console(file=io.StringIO())), out, scenes)
    return succeeded, cast("io.StringIO", out.file).getvalue()


def scene(name: str, happens: Callable[[Stage], Seen]) -> Scene:
    return Scene(name, f"somebody {name}", "403", happens)


def raising(error: Exception) -> Callable[[Stage], Seen]:
    def happens(_: Stage) -> Seen:
        raise error

    return happens


def test_all_as_expected_is_a_success() -> None:
    succeeded, table = play(scene("knocks", lambda _: Seen("403 it was", as_expected=True)))
    assert succeeded
    assert "somebody knocks" in table
    assert "403 it was" in table
    assert "✓" in table


def test_one_row_that_differs_is_a_failure_and_the_rest_is_still_told() -> None:
    succeeded, table = play(
        scene("gets in", lambda _: Seen("200", as_expected=False)),
        scene("knocks", lambda _: Seen("403", as_expected=True)),
    )
    assert not succeeded
    assert "✗" in table
    assert "somebody knocks" in table


@pytest.mark.parametrize(
    ("error", "seen"),
    [
        (LocalError("/token answered 500"), "/token answered 500"),
        (ConnectionRefusedError("nobody listens"), "nobody listens"),
        (HandshakeRefusedError("alert"), "connection reset"),
    ],
)
def test_a_scene_that_breaks_is_a_row_that_differs(error: Exception, seen: str) -> None:
    succeeded, table = play(scene("breaks", raising(error)))
    assert not succeeded
    assert seen in table


def test_scenes_have_names_of_their_own() -> None:
    names = [entry.name for entry in SCENES]
    assert len(set(names)) == len(names)


def test_a_platform_that_is_not_up_is_said_so(tmp_path: Path) -> None:
    settings = Settings.from_environment({"MTLS_LOCAL_DIR": str(tmp_path)})
    with pytest.raises(NotRunningError, match="not up"):
        Stage.connect(settings, os.environ)


def test_an_emulator_that_is_gone_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "endpoints.json").write_text("{}")
    settings = Settings.from_environment({"MTLS_LOCAL_DIR": str(tmp_path)})
    with pytest.raises(NotRunningError, match="emulator is not running") as refused:
        Stage.connect(settings, os.environ)
    assert refused.value.hint == "make up"
