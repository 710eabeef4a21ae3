"""Runs named tasks side by side, shows how they do, and sums up."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from tools.errors import ToolsError

JOBS = 2
"""How many tasks run at once: most of them start a process that wants a core for itself."""


class TaskFailedError(Exception):
    """A task did what it should and found something wrong; the message is what it found."""


@dataclass(frozen=True)
class Task:
    """Something to run.

    Attributes:
        name: Its name, unique among its siblings.
        run: Does it, and returns a few words on how it went.
            Raises TaskFailedError or ToolsError.
    """

    name: str
    run: Callable[[], str]


@dataclass(frozen=True)
class Outcome:
    """How a task ended.

    Attributes:
        name: The task.
        passed: Whether it found nothing wrong.
        seconds: How long it took.
        summary: A few words on it.
        output: What it found wrong; empty when it passed.
    """

    name: str
    passed: bool
    seconds: float
    summary: str = ""
    output: str = field(default="", repr=False)


def run_all(tasks: Sequence[Task], console: Console, *, jobs: int = JOBS) -> list[Outcome]:
    """Runs tasks, a few at once, and shows each as it ends.

    Returns:
        The outcomes, in the order of the tasks.
    """
    progress = Progress(
        SpinnerColumn(),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    outcomes: dict[str, Outcome] = {}
    running: list[str] = []

    def run(task: Task) -> Outcome:
        running.append(task.name)
        progress.update(bar, description=", ".join(running))
        try:
            return _run(task)
        finally:
            running.remove(task.name)

    with progress, ThreadPoolExecutor(max_workers=jobs) as pool:
        bar = progress.add_task("", total=len(tasks))
        futures: list[Future[Outcome]] = [pool.submit(run, task) for task in tasks]
        try:
            for future in as_completed(futures):
                outcome = future.result()
                outcomes[outcome.name] = outcome
                progress.advance(bar)
                progress.console.print(_line(outcome))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [outcomes[task.name] for task in tasks]


def report(outcomes: Sequence[Outcome], console: Console, *, noun: str) -> int:
    """Prints what failed and a table of all, and returns the exit code.

    Args:
        outcomes: What `run_all` returned.
        console: Where to.
        noun: What the tasks are, in the plural.
    """
    failed = [outcome for outcome in outcomes if not outcome.passed]
    for outcome in failed:
        console.print(Rule(outcome.name, style="red", align="left"))
        console.print(Text(outcome.output), soft_wrap=True)
    table = Table(box=None, pad_edge=False)
    table.add_column(noun)
    table.add_column("result")
    table.add_column("seconds", justify="right")
    table.add_column("")
    for outcome in outcomes:
        table.add_row(
            outcome.name, _verdict(outcome), f"{outcome.seconds:.1f}", Text(outcome.summary)
        )
    console.print()
    console.print(table)
    console.print()
    if failed:
        console.print(f"{len(failed)} of {len(outcomes)} {noun} failed", style="bold red")
        return 1
    console.print(f"all {len(outcomes)} {noun} passed", style="bold green")
    return 0


def _run(task: Task) -> Outcome:
    start = time.monotonic()
    try:
        summary = task.run()
    except TaskFailedError as error:
        return Outcome(task.name, passed=False, seconds=_since(start), output=str(error))
    except ToolsError as error:
        output = f"error: {error}" + (f"\nhint: {error.hint}" if error.hint else "")
        return Outcome(task.name, passed=False, seconds=_since(start), output=output)
    return Outcome(task.name, passed=True, seconds=_since(start), summary=summary)


def _since(start: float) -> float:
    return time.monotonic() - start


def _line(outcome: Outcome) -> Text:
    return Text.assemble(
        _verdict(outcome), f"  {outcome.name} ", (f"({outcome.seconds:.1f} s)", "dim")
    )


def _verdict(outcome: Outcome) -> Text:
    return Text("passed", style="green") if outcome.passed else Text("failed", style="bold red")
