"""The table of the demo, and what it makes of surprises."""

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from rich.console import Console

from local.caller import HandshakeRefusedError
from local.demo import Played, demo, table
from local.errors import LocalError, NotRunningError
from local.progress import Progress
from local.settings import Settings
from local.story import SCENES, Scene, Seen, Stage
from pki.errors import CaStoreError

NOBODY = cast("Stage", None)  # these scenes ask nothing of the stage


def play(*scenes: Scene) -> tuple[list[bool], str]:
    """What is right of each scene, and the table."""
    played = demo(NOBODY, Progress(Console(file=io.StringIO())), scenes)
    out = io.StringIO()
    Console(file=out, width=160).print(table(played))
    return [entry.seen.as_expected for entry in played], out.getvalue()


def scene(name: str, happens: Callable[[Stage], Seen]) -> Scene:
    return Scene(name, f"somebody {name}", "403", happens)


def raising(error: Exception) -> Callable[[Stage], Seen]:
    def happens(_: Stage) -> Seen:
        raise error

    return happens


def test_what_was_expected_is_ticked() -> None:
    right, told = play(scene("knocks", lambda _: Seen("403 it was", as_expected=True)))
    assert right == [True]
    assert "somebody knocks" in told
    assert "403 it was" in told
    assert "✓" in told


def test_one_row_that_differs_is_crossed_and_the_rest_is_still_told() -> None:
    right, told = play(
        scene("gets in", lambda _: Seen("200", as_expected=False)),
        scene("knocks", lambda _: Seen("403", as_expected=True)),
    )
    assert right == [False, True]
    assert "✗" in told
    assert "somebody knocks" in told


@pytest.mark.parametrize(
    ("error", "seen"),
    [
        (LocalError("/token answered 500"), "/token answered 500"),
        (ConnectionRefusedError("nobody listens"), "nobody listens"),
        (HandshakeRefusedError("alert"), "connection reset"),
        (CaStoreError("no CA [root]"), "no CA [root]"),
        (EndpointConnectionError(endpoint_url="http://e"), "the emulator does not answer: "),
        (
            ClientError({"Error": {"Code": "InternalError", "Message": "no"}}, "GetItem"),
            "the emulator refused a call: An error occurred (InternalError)",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_a_scene_that_breaks_is_a_row_that_differs_and_the_rest_is_still_told(
    error: Exception, seen: str
) -> None:
    right, told = play(
        scene("breaks", raising(error)), scene("knocks", lambda _: Seen("403", as_expected=True))
    )
    assert right == [False, True]
    assert seen in told


def test_a_scene_is_told_to_scripts() -> None:
    played = Played(scene("knocks", raising(AssertionError())), Seen("200", as_expected=False))
    assert played.to_json() == {
        "name": "knocks",
        "title": "somebody knocks",
        "expected": "403",
        "seen": "200",
        "ok": False,
    }


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
