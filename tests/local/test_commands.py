"""Programs that are run to their end, and what is told of their failures."""

import os
import signal
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


def test_a_program_reads_its_answers_and_then_the_end(tmp_path: Path, runner: Runner) -> None:
    runner.run("ask", python("import sys; print(sys.stdin.readlines())"), answers=["bob", "yes"])
    assert (tmp_path / "ask.log").read_text() == "['bob\\n', 'yes\\n']\n"


def test_a_program_that_reads_no_answer_is_no_failure(runner: Runner) -> None:
    runner.run("deaf", python("import sys; sys.stdin.close()"), answers=["x" * 100_000])


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


def test_an_interrupted_runner_lets_its_program_end_and_starts_no_other(
    tmp_path: Path, runner: Runner
) -> None:
    go = tmp_path / "go"
    waits = (
        "import pathlib, time\nprint('on', flush=True)\n"
        f"while not pathlib.Path({str(go)!r}).exists(): time.sleep(0.01)\n"
        "print('done')"
    )
    told: list[str] = []

    def interrupt_once_it_runs(line: str) -> None:
        if line == "on\n":
            os.kill(os.getpid(), signal.SIGINT)
            go.touch()

    with runner.interruptible(told.append):
        runner.run("slow", python(waits), on_line=interrupt_once_it_runs)
        with pytest.raises(KeyboardInterrupt):
            runner.run("next", python("print('never')"))
    assert (tmp_path / "slow.log").read_text() == "on\ndone\n"
    assert (tmp_path / "next.log").read_text() == ""
    assert told == ["finishing what is under way; once more breaks it off"]


def test_interrupted_twice_the_program_is_asked_to_end(tmp_path: Path, runner: Runner) -> None:
    waits = "import time; print('on', flush=True); time.sleep(600)"

    def interrupt_twice(line: str) -> None:
        if line == "on\n":
            runner.interrupt()
            runner.interrupt()

    with pytest.raises(CommandFailedError, match=f"exit code -{signal.SIGTERM}"):
        runner.run("slow", python(waits), on_line=interrupt_twice)


def test_afterwards_ctrl_c_means_what_it_meant_before(runner: Runner) -> None:
    before = signal.getsignal(signal.SIGINT)
    with runner.interruptible(lambda _: None):
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before
