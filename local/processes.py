"""Background processes that outlive the command that started them.

A record in ``.local/run`` says which process is ours. A process id alone would not do: after a
crash or a reboot the system gives it to somebody else, who must not be killed.
"""

import contextlib
import errno
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from local.errors import PortTakenError, ProcessError
from tools.paths import write_atomically

LOOPBACK = "127.0.0.1"

_POLL_SECONDS = 0.05
_TERMINATION_SECONDS = 20.0
_KILL_SECONDS = 5.0


@dataclass(frozen=True)
class ProcessRecord:
    """A process that was started, and how to tell that it is still the same one.

    Attributes:
        pid: its id, which is also the id of its process group.
        started: when the kernel says it started; opaque, only ever compared.
        port: where it listens, on loopback.
    """

    pid: int
    started: str
    port: int


class Daemon:
    """One background process by name: started, looked for, and stopped with all its children."""

    def __init__(self, name: str, record: Path, log: Path) -> None:
        self.name = name
        self.log = log
        self._record = record
        self._child: subprocess.Popen[bytes] | None = None

    def running(self) -> ProcessRecord | None:
        """The record of the process, or None when it does not run."""
        record = self._read()
        if record is None or identity(record.pid) != record.started:
            return None
        return record

    def start(
        self,
        command: Sequence[str],
        *,
        port: int,
        environ: Mapping[str, str],
        cwd: Path,
        ready: Callable[[], bool],
        deadline_seconds: float,
    ) -> ProcessRecord:
        """Start the process in a session of its own and wait until it is ready.

        Raises:
            ProcessError: it ended, or was not ready in time. Nothing is left running.
        """
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            self._child = subprocess.Popen(
                command,
                cwd=cwd,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            record = self._write(self._child.pid, port)
            self._wait(self._child, ready, time.monotonic() + deadline_seconds)
        except BaseException:
            self.stop()
            raise
        return record

    def stop(self) -> bool:
        """End the process and everything that it started.

        Returns:
            Whether it was running. A record of a process that is not ours any more is dropped.

        Raises:
            ProcessError: the process does not end.
        """
        record = self.running()
        if record is not None:
            self._end_group(record)
        if self._child is not None:
            self._child.wait()
        self._record.unlink(missing_ok=True)
        return record is not None

    def _wait(
        self, child: subprocess.Popen[bytes], ready: Callable[[], bool], deadline: float
    ) -> None:
        while not ready():
            if child.poll() is not None:
                raise ProcessError(
                    f"the {self.name} ended with exit code {child.returncode}:\n"
                    f"{self._last_words()}",
                    hint=f"everything it said is in {self.log}",
                )
            if time.monotonic() > deadline:
                raise ProcessError(
                    f"the {self.name} was not ready in time:\n{self._last_words()}",
                    hint=f"everything it said is in {self.log}",
                )
            time.sleep(_POLL_SECONDS)

    def _end_group(self, record: ProcessRecord) -> None:
        for number, seconds in (
            (signal.SIGTERM, _TERMINATION_SECONDS),
            (signal.SIGKILL, _KILL_SECONDS),
        ):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(record.pid, number)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                self._reap()
                if not _group_exists(record.pid):
                    return
                time.sleep(_POLL_SECONDS)
        raise ProcessError(f"the {self.name} (process {record.pid}) does not end")

    def _reap(self) -> None:
        """Collect the child when it is this very process that started it."""
        if self._child is not None:
            self._child.poll()

    def _write(self, pid: int, port: int) -> ProcessRecord:
        started = identity(pid)
        if started is None:
            raise ProcessError(
                f"the {self.name} ended at once:\n{self._last_words()}",
                hint=f"everything it said is in {self.log}",
            )
        record = ProcessRecord(pid, started, port)
        write_atomically(self._record, json.dumps(asdict(record)))
        return record

    def _read(self) -> ProcessRecord | None:
        try:
            return ProcessRecord(**json.loads(self._record.read_text("utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def _last_words(self) -> str:
        lines = self.log.read_text("utf-8", errors="replace").splitlines()
        return "\n".join(f"  {line}" for line in lines[-12:])


def identity(pid: int) -> str | None:
    """What tells a process from a later one with the same id; None when it does not run.

    A process that ended and was not yet collected by its parent does not run.
    """
    stat = Path("/proc", str(pid), "stat")
    if not Path("/proc/self/stat").exists():
        return _identity_by_ps(pid)
    try:
        # The command in parentheses may itself hold spaces and parentheses.
        fields = stat.read_text("utf-8", errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, started = fields[0], fields[19]
    if state in "ZX":
        return None
    boot = Path("/proc/sys/kernel/random/boot_id").read_text("utf-8").strip()
    return f"{boot}/{started}"


def _identity_by_ps(pid: int) -> str | None:
    """For systems without /proc, such as macOS."""
    result = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, started = result.stdout.strip().partition(" ")
    return started.strip() if started and not state.startswith("Z") else None


def _group_exists(group: int) -> bool:
    """Whether a process of the group still runs; one that nobody collects yet does not count."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    if not Path("/proc/self/stat").exists():
        return True
    return any(_is_running_member(entry, group) for entry in Path("/proc").iterdir())


def _is_running_member(process: Path, group: int) -> bool:
    if not process.name.isdigit():
        return False
    try:
        fields = (process / "stat").read_text("utf-8", errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return int(fields[2]) == group and fields[0] not in "ZX"


def require_free_port(port: int, program: str, variable: str) -> None:
    """Check that nobody listens on a port of the loopback interface.

    Raises:
        PortTakenError: somebody does; the system does not say who.
    """
    with socket.socket() as probe:
        # As servers do: connections that linger after their server ended do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            reason = "is taken" if error.errno == errno.EADDRINUSE else "needs more rights"
            raise PortTakenError(
                f"port {port}, which the {program} would listen on, {reason}",
                hint="stop the program that uses it, or choose another port: "
                f"{variable}={port + 1}",
            ) from error
