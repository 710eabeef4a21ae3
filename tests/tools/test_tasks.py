"""Tasks side by side, and what is said of them."""

import io
import threading

from rich.console import Console

from tools import tasks
from tools.errors import ToolsError
from tools.tasks import Outcome, Task, TaskFailedError


def console() -> Console:
    return Console(file=io.StringIO(), width=120, highlight=False)


def shown(target: Console) -> str:
    assert isinstance(target.file, io.StringIO)
    return target.file.getvalue()


def fail(message: str) -> str:
    raise TaskFailedError(message)


def refuse(message: str) -> str:
    raise ToolsError(message, hint="do that")


def test_outcomes_come_in_the_order_of_the_tasks() -> None:
    second_is_done = threading.Event()

    def first() -> str:
        assert second_is_done.wait(timeout=30)
        return "slow"

    def second() -> str:
        second_is_done.set()
        return "fast"

    outcomes = tasks.run_all([Task("first", first), Task("second", second)], console(), jobs=2)

    assert [(outcome.name, outcome.summary) for outcome in outcomes] == [
        ("first", "slow"),
        ("second", "fast"),
    ]


def test_a_failure_does_not_keep_the_others_from_running() -> None:
    failing, passing = tasks.run_all(
        [Task("failing", lambda: fail("why")), Task("passing", lambda: "")], console(), jobs=1
    )

    assert (failing.passed, failing.output) == (False, "why")
    assert passing.passed


def test_an_error_is_a_failure_with_its_hint() -> None:
    (outcome,) = tasks.run_all([Task("broken", lambda: refuse("no tool"))], console())

    assert outcome.output == "error: no tool\nhint: do that"


def test_the_report_shows_what_failed_and_exits_with_1() -> None:
    target = console()
    outcomes = [
        Outcome("good", passed=True, seconds=1.25, summary="as it should be"),
        Outcome("bad", passed=False, seconds=0.5, output="line 3 [bold]is wrong"),
    ]

    code = tasks.report(outcomes, target, noun="checks")

    assert code == 1
    assert "line 3 [bold]is wrong" in shown(target)
    assert "as it should be" in shown(target)
    assert shown(target).endswith("1 of 2 checks failed\n")


def test_the_report_of_a_clean_run_exits_with_0() -> None:
    target = console()

    assert tasks.report([Outcome("good", passed=True, seconds=1)], target, noun="checks") == 0
    assert shown(target).endswith("all 1 checks passed\n")
