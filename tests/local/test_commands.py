"""Programs that are run to their end, and what is told of their failures."""

import os
import sys
from pathlib import Path

import pytest

from local.commands import Runner, UnitCounter
from local.errors import CommandFailedError


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner({**os.environ, "GREETING": "hello"}, tmp_path)


def test_what_a_program_says_goes_to_its_log(tmp_path: Path, runner: Runner) -> None:
    runner.run("greet", python("import os, sys; print(os.environ['GREETING'], file=sys.stderr)"))
    assert (tmp_path / "greet.log").read_text() == "hello\n"


def test_lines_are_followed_as_they_come(runner: Runner) -> None:
    lines: list[str] = []
    runner.run("count", python("print('one'); print('two')"), on_line=lines.append)
    assert lines == ["one\n", "two\n"]


def test_a_failure_tells_what_the_program_said_from_its_first_error_on(
    tmp_path: Path, runner: Runner
) -> None:
    said = (
        "print('noise'); print('Error: no such bucket'); print('on main.tf'); raise SystemExit(4)"
    )
    with pytest.raises(CommandFailedError, match="exit code 4") as failed:
        runner.run("apply", python(said))
    assert "Error: no such bucket\n  on main.tf" in str(failed.value)
    assert "noise" not in str(failed.value)
    assert str(tmp_path / "apply.log") in failed.value.hint


def test_a_failure_without_an_error_line_tells_the_last_lines(runner: Runner) -> None:
    with pytest.raises(CommandFailedError, match="last words"):
        runner.run("die", python("print('last words'); raise SystemExit(1)"))


def test_a_missing_program_is_named(runner: Runner) -> None:
    with pytest.raises(CommandFailedError, match="no-such-program cannot be run"):
        runner.run("nothing", ["/no-such-program"])


def test_units_are_counted_as_they_are_applied() -> None:
    told: list[str] = []
    count = UnitCounter(told.append)
    for line in (
        "Plan: 1 to add",
        "Apply complete! Resources: 1",
        "x Apply complete! Resources: 0",
    ):
        count(line)
    assert told == ["1 units", "2 units"]
