"""Runs Terraform in one unit by Terragrunt, and tells what its failures mean.

The units' order, and how many run at once, is ours: see `pipeline.schedule`.
"""

import contextlib
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import CommandFailedError, LockedError
from pipeline.tree import LIVE
from tools import terraform_config

DEFAULT_LOCK_SECONDS = 60
"""How long Terraform waits for a lock that somebody else holds."""

_INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM)
_SHOWN_LINES = 40
_SECRET = 0o600

_STATE_LOCK = "Error acquiring the state lock"
_LOCK_FIELD = re.compile(
    r"^[ \t]*(ID|Path|Operation|Who|Version|Created|Info):[ \t]*(.*?)\s*$", re.M
)
_PREFIX = re.compile(r"^[0-9:.]+ +[A-Z]+ +(?:\[[^\]]*\] +)?(?:terraform|tofu): ?", re.M)
"""What Terragrunt puts before a line of Terraform's."""
_FRAME = re.compile(r"^\s*[│╷╵]\s?", re.M)
_SHARED_PROVIDERS = ("filesystem_mirror", "network_mirror", "dev_overrides", "plugin_cache_dir")


@dataclass(frozen=True, slots=True)
class Lock:
    """What Terraform says of a lock that it could not have.

    Attributes:
        id: what `force-unlock` wants to know.
        who: user and machine.
        operation: what they do with it.
        created: since when, as Terraform writes it.
    """

    id: str
    who: str
    operation: str
    created: str


def find_lock(output: str) -> Lock | None:
    """The lock that an output of Terraform complains of; None when it does not."""
    _, found, after = _bare(output).partition(_STATE_LOCK)
    if not found:
        return None
    fields = dict[str, str]()
    for name, value in _LOCK_FIELD.findall(after):
        fields.setdefault(name, value)
    if not fields.get("ID"):
        return None
    return Lock(
        id=fields["ID"],
        who=fields.get("Who", "somebody"),
        operation=fields.get("Operation", "").removeprefix("OperationType"),
        created=fields.get("Created", ""),
    )


def failure(unit: str, what: str, output: str, log: Path) -> CommandFailedError:
    """What a failed run has to say, in words that say what to do."""
    lock = find_lock(output)
    if lock is not None:
        since = f" since {lock.created}" if lock.created else ""
        return LockedError(
            f"{unit}: {what}: the state is locked by {lock.who}{since}"
            + (f" ({lock.operation.lower()})" if lock.operation else ""),
            hint="wait until that run ends. Only when it surely runs no more (no such job, no such "
            f"process on that machine) the lock is lost: make unlock UNIT={unit} LOCK={lock.id}",
        )
    return CommandFailedError(
        f"{unit}: {what} failed\n" + "\n".join(f"  {line}" for line in complaints(output)),
        hint=f"everything it said is in {log}",
    )


def complaints(output: str) -> list[str]:
    """The lines that say what went wrong: from the first error on, or the last ones."""
    lines = [line.rstrip() for line in _bare(output).splitlines()]
    lines = [line for line in lines if line]
    first = next((number for number, line in enumerate(lines) if "Error:" in line), None)
    if first is None:
        return lines[-_SHOWN_LINES:]
    return lines[first : first + _SHOWN_LINES]


def _bare(output: str) -> str:
    """What Terraform said, without Terragrunt's prefixes and without its frames."""
    return _FRAME.sub("", _PREFIX.sub("", output))


class Programs:
    """Programs that run now, so that a signal can reach them.

    They are in process groups of their own: a terminal's Ctrl-C, which goes to all of a group,
    would reach Terraform beside what we send it, and the second interruption makes Terraform leave
    without saving its state.
    """

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self._lock = threading.RLock()
        self._active: set[subprocess.Popen[bytes]] = set()

    def interrupt(self) -> None:
        """Begin nothing more, and ask each Terraform that runs to save its state and end.

        Terragrunt would pass a signal on after fifteen seconds only, and again if it came to
        Terraform on another way: so it is told nothing while a Terraform of its own runs.
        """
        self.stopped.set()
        with self._lock:
            active = list(self._active)
        children = _children()
        for process in active:
            for number in children.get(process.pid) or [process.pid]:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(number, signal.SIGTERM)

    @contextlib.contextmanager
    def interruptible(self, notify: Callable[[str], None]) -> Iterator[None]:
        """Take Ctrl-C, and SIGTERM, for `interrupt` meanwhile. For the main thread.

        A second Ctrl-C breaks Terraform off. A SIGTERM never does: a job that is cancelled gets
        both, some seconds apart.
        """

        def interrupt(number: int, _frame: object) -> None:
            if not self.stopped.is_set():
                notify("interrupted: Terraform saves its state and ends; Ctrl-C breaks it off")
                self.interrupt()
            elif number == signal.SIGINT:
                notify("broken off: what was being made may be missing in the state")
                self.interrupt()

        previous = {number: signal.signal(number, interrupt) for number in _INTERRUPTIONS}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def run(
        self, command: Sequence[str], *, cwd: Path, environ: Mapping[str, str], log: Path
    ) -> tuple[int, bytes]:
        """Run a program to its end.

        Args:
            command: program and arguments.
            cwd: where.
            environ: its environment.
            log: gets what it writes to standard error, after the command itself.

        Returns:
            The exit code, and standard output.

        Raises:
            CommandFailedError: it cannot be run.
            KeyboardInterrupt: `interrupt` was called before.
        """
        with _private(log) as file:
            with self._lock:
                if self.stopped.is_set():
                    raise KeyboardInterrupt
                try:
                    process = subprocess.Popen(
                        list(command),
                        cwd=cwd,
                        env=dict(environ),
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.PIPE,
                        stderr=file,
                        process_group=0,
                    )
                except OSError as error:
                    raise CommandFailedError(
                        f"{command[0]} cannot be run: {error.strerror}"
                    ) from error
                self._active.add(process)
            try:
                output, _ = process.communicate()
            finally:
                with self._lock:
                    self._active.discard(process)
        return process.returncode, output


@contextlib.contextmanager
def _private(path: Path) -> Iterator[int]:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, _SECRET)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _children() -> dict[int, list[int]]:
    """Every process's children; empty where the machine does not tell."""
    try:
        done = subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True, timeout=5
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    found: dict[int, list[int]] = {}
    for line in done.stdout.splitlines():
        child, parent = (int(word) for word in line.split())
        found.setdefault(parent, []).append(child)
    return found


def environment(environ: Mapping[str, str], role: str) -> dict[str, str]:
    """The environment in which Terragrunt runs a unit.

    Providers are shared between units that run at once by Terragrunt's cache server, which locks;
    Terraform's own ``plugin_cache_dir`` does not. A configuration that serves them already needs
    neither: https://docs.terragrunt.com/features/provider-cache-server/
    """
    chosen = {
        **environ,
        "MTLS_ROLE": role,
        "TF_IN_AUTOMATION": "1",
        "TF_INPUT": "0",
        "CHECKPOINT_DISABLE": "1",
        # What a unit depends on is read from the state itself, where Terraform would need a
        # process for each. It knows no mocks, and none may be had.
        "TG_EXPERIMENT": "dependency-fetch-output-from-state",
    }
    if not _serves_providers(environ):
        chosen.setdefault("TG_PROVIDER_CACHE", "1")
    return chosen


def _serves_providers(environ: Mapping[str, str]) -> bool:
    own = terraform_config.existing(environ)
    return own is not None and any(
        word in own.read_text("utf-8", errors="replace") for word in _SHARED_PROVIDERS
    )


class Terragrunt:
    """Runs Terraform commands in units.

    Attributes:
        root: the checkout whose ``live/`` is meant.
        programs: what runs now.
    """

    def __init__(
        self,
        root: Path,
        environ: Mapping[str, str],
        programs: Programs,
        logs: Path,
        *,
        lock_seconds: int = DEFAULT_LOCK_SECONDS,
    ) -> None:
        self.root = root
        self.programs = programs
        self._environ = dict(environ)
        self._logs = logs
        self._lock_timeout = f"-lock-timeout={lock_seconds}s"

    def at(self, root: Path) -> "Terragrunt":
        """The same in another checkout."""
        other = Terragrunt(root, self._environ, self.programs, self._logs)
        other._lock_timeout = self._lock_timeout  # its own
        return other

    def plan(self, unit: str, file: Path, *, role: str, destroy: bool = False) -> bytes:
        """Plan a unit into a file, whose folder is there.

        Returns:
            The plan as JSON, as Terraform wrote it.

        Raises:
            CommandFailedError: it failed, or LockedError: the state is locked.
        """
        command = ["plan", "-input=false", "-no-color", self._lock_timeout, f"-out={file}"]
        self._run(unit, role, [*command, "-destroy"] if destroy else command, "plan")
        file.chmod(_SECRET)
        return self._run(unit, role, ["show", "-json", str(file)], "show")

    def apply(self, unit: str, file: Path, *, role: str) -> None:
        """Apply a plan file.

        Raises:
            CommandFailedError: it failed, or LockedError: the state is locked.
        """
        self._run(
            unit,
            role,
            ["apply", "-input=false", "-no-color", self._lock_timeout, str(file)],
            "apply",
        )

    def unlock(self, unit: str, lock: str, *, role: str) -> None:
        """Clear the lock of a unit's state.

        Raises:
            CommandFailedError: it failed; there may be no such lock any more.
        """
        self._run(unit, role, ["force-unlock", "-force", lock], "force-unlock")

    def log(self, unit: str) -> Path:
        """Where everything goes that is said about a unit."""
        return self._logs / f"{unit.replace('/', '-')}.log"

    def _run(self, unit: str, role: str, command: Sequence[str], what: str) -> bytes:
        log = self.log(unit)
        start = log.stat().st_size if log.is_file() else 0
        code, output = self.programs.run(
            [
                *("terragrunt", "run", "--non-interactive", "--no-color", "--no-tips"),
                *("--tf-forward-stdout", "--working-dir", str(self.root / LIVE / unit)),
                *("--", *command),
            ],
            cwd=self.root,
            environ=environment(self._environ, role),
            log=log,
        )
        if what != "show":  # the values of a plan are in its JSON; they stay out of logs
            with log.open("ab") as file:
                file.write(output)
        if code != 0:
            if self.programs.stopped.is_set():
                raise KeyboardInterrupt
            with log.open("rb") as file:
                file.seek(start)
                said = file.read().decode("utf-8", errors="replace")
            raise failure(unit, what, said, log)
        return output


def waited(started: float) -> float:
    """Seconds since `time.monotonic` gave that number."""
    return round(time.monotonic() - started, 3)
