"""Where the local platform keeps its things, and on which ports it listens."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from local.errors import UsageError
from tools.paths import ROOT

DEFAULT_GATEWAY_PORT = 4566
DEFAULT_EDGE_PORT = 8443
DEFAULT_STATE_DIR = ROOT / ".local"

PIPELINE_ACCOUNT_ID = "999999999999"
"""Account of the identity that assumes the roles: the emulator takes a 12-digit access key for
the account it belongs to. Only the laptop has it; on AWS the pipeline comes by OIDC."""


@dataclass(frozen=True)
class StateDirectory:
    """The layout of ``.local/``: what others read, then what only this package does."""

    root: Path

    @property
    def env_script(self) -> Path:
        """To be sourced: makes every tool talk to the local cloud."""
        return self.root / "env.sh"

    @property
    def endpoints(self) -> Path:
        """Per environment: how it is reached from this machine (JSON)."""
        return self.root / "endpoints.json"

    @property
    def clients(self) -> Path:
        """A directory per client: ``client.crt``, ``client.key``, ``chain.pem``."""
        return self.root / "clients"

    @property
    def ceremony(self) -> Path:
        """The plan and the approval of the first ceremony."""
        return self.root / "ceremony"

    def truststore_pin(self, environment: str) -> Path:
        """The truststore version that the environment's domain is to trust."""
        return self.root / "pins" / environment / "truststore.json"

    @property
    def server_ca(self) -> Path:
        """The CA of the edge's own server certificate."""
        return self.root / "edge" / "server-ca.pem"

    @property
    def environments(self) -> Path:
        """The names of the environments that the platform holds (JSON)."""
        return self.root / "environments.json"

    @property
    def modules(self) -> Path:
        """A bare git repository of the modules, with a tag for each release that is pinned."""
        return self.root / "modules.git"

    @property
    def logs(self) -> Path:
        """A file per process and per command; kept by ``down``."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """A record per background process."""
        return self.root / "run"

    @property
    def bootstrap(self) -> Path:
        """The state of each account's state bucket, until that bucket exists."""
        return self.root / "bootstrap"

    @property
    def temporary(self) -> Path:
        """Where the emulator unpacks functions."""
        return self.root / "tmp"

    @property
    def cache(self) -> Path:
        """Terragrunt's working directories; kept by ``down``, so that the next ``up`` is faster."""
        return self.root / "cache"

    @property
    def lock(self) -> Path:
        """Held by the command that changes the platform."""
        return self.root / "run" / "lock"


@dataclass(frozen=True)
class Settings:
    """What a person may choose, all by environment variable.

    Attributes:
        state: where everything that the platform knows lies.
        gateway_port: of the emulator; None when it was left open.
        edge_port: of the mTLS edge; None when it was left open.
        architecture: of the functions, as Lambda names it.
        environments: to bring up; empty when it was left open.
    """

    state: StateDirectory
    gateway_port: int | None
    edge_port: int | None
    architecture: str
    environments: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Read the settings.

        Raises:
            UsageError: the folder is a file, a port is no port, or the machine has no Lambda
                architecture.
        """
        return cls(
            state=StateDirectory(_state_dir(environ)),
            gateway_port=_port(environ, "GATEWAY_PORT"),
            edge_port=_port(environ, "EDGE_PORT"),
            architecture=_architecture(platform.machine()),
            environments=_names(environ.get("ENVIRONMENTS", "")),
        )


def _state_dir(environ: Mapping[str, str]) -> Path:
    path = Path(environ.get("MTLS_LOCAL_DIR") or DEFAULT_STATE_DIR).expanduser().absolute()
    if path.exists() and not path.is_dir():
        raise UsageError(
            f"MTLS_LOCAL_DIR={path} is no folder",
            hint="name a folder; it is made when it is missing",
        )
    return path


def _port(environ: Mapping[str, str], variable: str) -> int | None:
    text = environ.get(variable, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 2**16):
        raise UsageError(f"{variable}={text!r} is no port", hint="a number from 1 to 65535")
    return int(text)


def _names(text: str) -> tuple[str, ...]:
    """Names by commas, spaces or both, each once."""
    return tuple(dict.fromkeys(text.replace(",", " ").split()))


def _architecture(machine: str) -> str:
    names = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
    try:
        return names[machine.lower()]
    except KeyError as error:
        raise UsageError(f"Lambda has no architecture for this machine ({machine})") from error
