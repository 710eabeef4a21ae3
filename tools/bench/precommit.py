"""How long a commit waits for its gates: one changed file, beside the same gates over everything.

    python -m tools.bench.precommit
    python -m tools.bench.precommit --rounds 5 --json

In a copy of the checkout, with hooks as `make install` leaves them. The first run of each is not
counted: it compiles, and fills the caches that every later one finds. Each round changes the file,
since a run over what has not changed would find all its answers in those caches.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tools.bench import checkout
from tools.errors import ToolsError, exit_code
from tools.paths import ROOT

_EVERYTHING = "everything"


@dataclass(frozen=True, slots=True)
class Edit:
    """What somebody changes before a commit.

    Attributes:
        file: relative to the checkout.
        gap: between the file's last line and the comments that are added, as formatters want it.
    """

    file: str
    gap: str = "\n"


EDITS = {
    "a Python file": Edit("pki/fleet.py", "\n\n"),
    "a module's file": Edit("modules/registry/main.tf"),
    "a unit": Edit("live/non-prod/eu-west-1/dev/registry/terragrunt.hcl"),
    "a policy": Edit("policies/lib/plan.rego"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the result.

    Attributes:
        what: what was checked.
        seconds: median of the rounds.
        worst: the longest of them.
        share: of the time that everything takes.
    """

    what: str
    seconds: float
    worst: float
    share: float


def measure(copy: Path, *, rounds: int, console: Console) -> list[Line]:
    """Commit each edit's file again and again, then check everything as often.

    Raises:
        ToolsError: a gate refused, so that what was measured is no commit.
    """
    seconds: dict[str, list[float]] = {}
    for what, edit in EDITS.items():
        for turn in range(rounds + 1):
            with (copy / edit.file).open("a", encoding="utf-8") as file:
                file.write(f"{edit.gap if turn == 0 else ''}# Round {turn}.\n")
            with console.status(f"{what}: round {turn} of {rounds}"):
                taken = _hooks(copy, "--files", edit.file)
            if turn > 0:
                seconds.setdefault(what, []).append(taken)
        checkout.git(copy, "checkout", "--quiet", "--", edit.file)
    for turn in range(rounds + 1):
        with console.status(f"{_EVERYTHING}: round {turn} of {rounds}"):
            taken = _hooks(copy, "--all-files")
        if turn > 0:
            seconds.setdefault(_EVERYTHING, []).append(taken)
    whole = statistics.median(seconds[_EVERYTHING])
    return [
        Line(what, statistics.median(taken), max(taken), statistics.median(taken) / whole)
        for what, taken in seconds.items()
    ]


def _hooks(copy: Path, *arguments: str) -> float:
    start = time.perf_counter()
    done = subprocess.run(
        ["pre-commit", "run", *arguments],
        cwd=copy,
        env=_environment(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - start
    if done.returncode != 0:
        raise ToolsError(f"the hooks refused {arguments[-1]}:\n{done.stdout}{done.stderr}")
    return seconds


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The copy's own Python environment: ours has the checkout's packages in it."""
    kept = checkout.git_environment(environ)
    kept.pop("VIRTUAL_ENV", None)
    return kept


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench.precommit",
        description="Measures how long the git hooks take for one changed file, beside the same "
        "hooks over every file.",
        epilog="Exit codes: 0 measured, 1 failed, 2 wrong usage.",
    )
    parser.add_argument(
        "--rounds", type=int, default=3, metavar="N", help="runs of each (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error("--rounds is positive")
    return exit_code(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / ROOT.name
        checkout.copy(copy)
        checkout.commit(copy, "Everything")
        lines = measure(copy, rounds=options.rounds, console=console)
    if options.json:
        sys.stdout.write(json.dumps([asdict(line) for line in lines], indent=2) + "\n")
        return 0
    table = Table("", "seconds", "worst", "of everything", box=None)
    for line in lines:
        table.add_row(
            line.what, f"{line.seconds:.1f}", f"{line.worst:.1f}", f"{line.share * 100:.0f} %"
        )
    Console(soft_wrap=True).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
