"""Programs that the platform runs to their end: what they say goes to a log, failures to people."""

import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from local.errors import CommandFailedError
from tools.paths import ROOT

_SHOWN_LINES = 40


def _ignore(line: str) -> None:
    """Nobody follows along."""


class Runner:
    """Runs programs in the repository, in one environment, each with a log of its own."""

    def __init__(self, environ: Mapping[str, str], logs: Path) -> None:
        self._environ = dict(environ)
        self._logs = logs

    def run(
        self,
        log_name: str,
        command: Sequence[str],
        *,
        extra_environ: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] = _ignore,
    ) -> None:
        """Run a program to its end.

        Args:
            log_name: names the log file; a later run under this name overwrites it.
            command: program and arguments.
            extra_environ: on top of the runner's environment.
            on_line: called with each line that the program writes.

        Raises:
            CommandFailedError: it could not be run or ended with an error; says what the program
                said of it.
        """
        self._logs.mkdir(parents=True, exist_ok=True)
        path = self._logs / f"{log_name}.log"
        with path.open("w", encoding="utf-8") as log:
            try:
                process = subprocess.Popen(
                    command,
                    cwd=ROOT,
                    env={**self._environ, **(extra_environ or {})},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    encoding="utf-8",
                    errors="replace",
                )
            except OSError as error:
                raise CommandFailedError(f"{command[0]} cannot be run: {error.strerror}") from error
            with process:
                _copy(process, log.write, on_line)
        if process.returncode != 0:
            raise CommandFailedError(
                f"{log_name}: {Path(command[0]).name} ended with exit code {process.returncode}\n"
                + "\n".join(f"  {line}" for line in _complaints(path.read_text("utf-8"))),
                hint=f"everything it said is in {path}; running the command again resumes",
            )

    def python(self, log_name: str, module: str, *arguments: str) -> None:
        """Run a module of this project; see `run`."""
        self.run(log_name, [sys.executable, "-m", module, *arguments])

    def terragrunt(
        self,
        log_name: str,
        working_dir: Path,
        command: Sequence[str],
        *,
        options: Sequence[str] = (),
        extra_environ: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] = _ignore,
    ) -> None:
        """Run a Terraform command by Terragrunt in a folder of ``live/``; see `run`."""
        self.run(
            log_name,
            [
                *("terragrunt", "run", "--non-interactive", "--no-color", "--no-tips"),
                *("--working-dir", str(working_dir), *options, "--", *command, "-input=false"),
            ],
            extra_environ=extra_environ,
            on_line=on_line,
        )


class UnitCounter:
    """Counts, in Terragrunt's output, the units that were applied."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._lock = threading.Lock()
        self._applied = 0

    def __call__(self, line: str) -> None:
        """Look at one line of output."""
        if "Apply complete!" in line:
            with self._lock:
                self._applied += 1
                self._report(f"{self._applied} units")


def _copy(
    process: subprocess.Popen[str], write: Callable[[str], object], on_line: Callable[[str], None]
) -> None:
    assert process.stdout is not None  # noqa: S101 # it is a pipe
    try:
        for line in process.stdout:
            write(line)
            on_line(line)
    except KeyboardInterrupt:
        # The program was interrupted as well and puts its state in order: killing it would leave
        # locks behind.
        for line in process.stdout:
            write(line)
        process.wait()
        raise


def _complaints(output: str) -> list[str]:
    """The lines that say what went wrong: from the first error on, or the last ones."""
    lines = output.rstrip().splitlines()
    first = next((number for number, line in enumerate(lines) if "Error:" in line), None)
    if first is None:
        return lines[-_SHOWN_LINES:]
    return lines[first : first + _SHOWN_LINES]
