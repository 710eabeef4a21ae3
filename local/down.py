"""``down``: no process is left, and nothing that describes the cloud that is gone."""

from dataclasses import dataclass

from local import emulator
from local.progress import Progress
from local.settings import StateDirectory
from local.up import edge_daemon, forget
from tools.paths import locked


@dataclass(frozen=True)
class Stopped:
    """What was running, and is not any more."""

    edge: bool
    emulator: bool


def down(state: StateDirectory, progress: Progress) -> Stopped:
    """Stop edge and emulator with everything that they started, and forget the cloud.

    The emulator keeps all in memory, so certificates, pins and endpoints mean nothing without it.
    Logs stay to be read, Terragrunt's working directories to make the next start faster.

    Raises:
        ProcessError: a process does not end.
    """
    with locked(state.lock, lambda: progress.console.print("waiting for another command to end")):
        stopped = Stopped(
            edge=_stop("edge", state, progress), emulator=_stop("emulator", state, progress)
        )
        forget(state)
    return stopped


def _stop(name: str, state: StateDirectory, progress: Progress) -> bool:
    daemon = edge_daemon(state) if name == "edge" else emulator.daemon(state)
    if daemon.running() is None:
        return daemon.stop()
    with progress.step(f"{name} stopped"):
        return daemon.stop()
