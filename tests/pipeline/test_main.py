"""The command line: every command helps, and errors become words and exit codes."""

import argparse
import os
import subprocess
import sys
from typing import Any

import pytest
from rich.console import Console

from pipeline import __main__ as command_line
from pipeline.errors import LockedError, PipelineError, RefusedError, UsageError
from tools.errors import ToolsError
from tools.paths import ROOT


@pytest.mark.parametrize("name", command_line.command_names())
def test_every_command_helps(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        command_line.main([name, "--help"])

    assert caught.value.code == 0
    assert "Exit codes" in capsys.readouterr().out


def test_every_command_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command_line.main(["--help"])

    listed = capsys.readouterr().out
    assert all(f"    {name} " in listed for name in command_line.command_names())


@pytest.mark.parametrize("name", ["plan", "apply", "approve", "destroy", "unlock", "drift", "gate"])
def test_commands_speak_json(name: str) -> None:
    parser = argparse.ArgumentParser()
    command_line.load(name).arguments(parser)

    assert "--json" in parser.format_help()


@pytest.mark.parametrize("arguments", [[], ["no-such-command"], ["apply"], ["unlock"]])
def test_wrong_usage_is_told_apart(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        command_line.main(arguments)

    assert caught.value.code == 2


class Failing:
    """A command that ends in an error."""

    ABOUT = "fail"

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        pass

    def run(self, options: argparse.Namespace, console: Console) -> int:
        raise self._error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PipelineError("m", hint="h"), 1),
        (RefusedError("m", hint="h"), 1),
        (LockedError("m", hint="h"), 1),
        (UsageError("m", hint="h"), 2),
        (ToolsError("m", hint="h"), 1),
        (FileNotFoundError(2, "m", "file"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_errors_become_words_and_exit_codes(
    monkeypatch: pytest.MonkeyPatch, capsys: Any, error: BaseException, code: int
) -> None:
    monkeypatch.setattr(command_line, "load", lambda _name: Failing(error))

    assert command_line.main(["plan"]) == code
    said = capsys.readouterr()
    assert not said.out
    assert said.err.startswith("error: ")
    assert ("hint: h" in said.err) == hasattr(error, "hint")


@pytest.mark.parametrize("command", ["apply", "destroy"])
def test_without_a_terminal_and_an_approval_nothing_is_applied(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", command, "--environment", "dev"],
        cwd=ROOT,
        env=os.environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "where nobody can be asked" in done.stderr
    assert not done.stdout
