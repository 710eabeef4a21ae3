"""Programs that the platform runs to their end: what they say goes to a log, failures to people."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from local.errors import CommandFailedError
from tools.paths import ROOT

_SHOWN_LINES = 40
_INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM)


def _ignore(line: str) -> None:
    """Nobody follows along."""


class Runner:
    """Runs programs in the repository, in one environment, each with a log of its own.

    Programs do not hear of Ctrl-C: Terraform would break off what it is creating, mark it as
    tainted and want to replace it, which what may never be destroyed forbids. See `interrupt`.
    """

    def __init__(self, environ: Mapping[str, str], logs: Path) -> None:
        self._environ = dict(environ)
        self._logs = logs
        self._lock = threading.RLock()
        self._interrupted = False
        self._active: set[subprocess.Popen[str]] = set()

    def interrupt(self) -> None:
        """Let programs that run come to their end, and start no other.

        A second time, the programs that still run are asked to end: by SIGTERM, which Terraform
        takes as it takes SIGINT, and which no shell makes a job in the background ignore.
        """
        with self._lock:
            active = self._active if self._interrupted else set()
            self._interrupted = True
            for process in active:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM)

    @contextlib.contextmanager
    def interruptible(self, notify: Callable[[str], None]) -> Iterator[None]:
        """Take Ctrl-C, and SIGTERM, for `interrupt` meanwhile. For the main thread."""

        def interrupt(_number: int, _frame: object) -> None:
            notify("finishing what is under way; once more breaks it off")
            self.interrupt()

        previous = {number: signal.signal(number, interrupt) for number in _INTERRUPTIONS}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def run(
        self,
        log_name: str,
        command: Sequence[str],
        *,
        extra_environ: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] = _ignore,
        answers: Sequence[str] = (),
    ) -> None:
        """Run a program to its end.

        Args:
            log_name: names the log file; a later run under this name overwrites it.
            command: program and arguments.
            extra_environ: on top of the runner's environment.
            on_line: called with each line that the program writes.
            answers: the lines that it reads.

        Raises:
            CommandFailedError: it could not be run or ended with an error; says what the program
                said of it.
            KeyboardInterrupt: `interrupt` was called before.
        """
        self._logs.mkdir(parents=True, exist_ok=True)
        path = self._logs / f"{log_name}.log"
        with (
            path.open("w", encoding="utf-8") as log,
            self._started(command, extra_environ or {}) as process,
        ):
            assert process.stdout is not None  # noqa: S101 # it is a pipe
            assert process.stdin is not None  # noqa: S101 # so is this
            with contextlib.suppress(BrokenPipeError), process.stdin as stdin:
                stdin.writelines(f"{answer}\n" for answer in answers)
            for line in process.stdout:
                log.write(line)
                on_line(line)
        if process.returncode != 0:
            raise CommandFailedError(
                f"{log_name}: {Path(command[0]).name} ended with exit code {process.returncode}\n"
                + "\n".join(f"  {line}" for line in _complaints(path.read_text("utf-8"))),
                hint=f"everything it said is in {path}; running the command again resumes",
            )

    @contextlib.contextmanager
    def _started(
        self, command: Sequence[str], extra_environ: Mapping[str, str]
    ) -> Iterator[subprocess.Popen[str]]:
        with self._lock:
            if self._interrupted:
                raise KeyboardInterrupt
            try:
                process = subprocess.Popen(
                    command,
                    cwd=ROOT,
                    env={**self._environ, **extra_environ},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    encoding="utf-8",
                    errors="replace",
                    process_group=0,
                )
            except OSError as error:
                raise CommandFailedError(f"{command[0]} cannot be run: {error.strerror}") from error
            self._active.add(process)
        try:
            with process:
                yield process
        finally:
            with self._lock:
                self._active.discard(process)

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


def _complaints(output: str) -> list[str]:
    """The lines that say what went wrong: from the first error on, or the last ones."""
    lines = output.rstrip().splitlines()
    first = next((number for number, line in enumerate(lines) if "Error:" in line), None)
    if first is None:
        return lines[-_SHOWN_LINES:]
    return lines[first : first + _SHOWN_LINES]
