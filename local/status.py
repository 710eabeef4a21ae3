"""``status``: what runs, and where."""

from dataclasses import asdict, dataclass
from typing import Any

from local import emulator, endpoints
from local.endpoints import Endpoint
from local.errors import NotRunningError
from local.processes import Daemon
from local.settings import StateDirectory
from local.up import edge_daemon
from pki.organization import Organization


@dataclass(frozen=True)
class Part:
    """A background process.

    Attributes:
        pid: its process id, None when it does not run.
        port: where it listens.
        log: what it said.
    """

    pid: int | None
    port: int | None
    log: str

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self.pid is not None


@dataclass(frozen=True)
class Status:
    """The platform as it is now.

    Attributes:
        emulator: the local AWS.
        edge: the front door.
        endpoints: environment to endpoint, empty before `up` has ended.
        left_out: environments of ``live/`` that were not brought up.
        clients: names of the clients that have files.
    """

    emulator: Part
    edge: Part
    endpoints: dict[str, Endpoint]
    left_out: list[str]
    clients: list[str]

    @property
    def is_up(self) -> bool:
        """Whether calls can be made."""
        return self.emulator.running and self.edge.running and bool(self.endpoints)

    def to_json(self) -> dict[str, Any]:
        """The status as a JSON document."""
        return {"up": self.is_up, **asdict(self)}


def status(state: StateDirectory, organization: Organization) -> Status:
    """Look what runs."""
    try:
        found = endpoints.read(state.endpoints)
    except NotRunningError:
        found = {}
    folders = state.clients.iterdir() if state.clients.is_dir() else ()
    return Status(
        emulator=_part(emulator.daemon(state)),
        edge=_part(edge_daemon(state)),
        endpoints=found,
        left_out=[entry.name for entry in organization.environments if entry.name not in found],
        clients=sorted(folder.name for folder in folders if folder.is_dir()),
    )


def _part(daemon: Daemon) -> Part:
    record = daemon.running()
    if record is None:
        return Part(None, None, str(daemon.log))
    return Part(record.pid, record.port, str(daemon.log))
