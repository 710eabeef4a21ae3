"""An HSM of the tests' own: SoftHSM with one token."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from rich.console import Console

from tools import install, versions
from tools.install import Machine

TOKEN = "example-ca"
PIN = "correct-pin"


@dataclass(frozen=True)
class SoftHsm:
    """The library, and where its one token is."""

    module: Path
    environ: dict[str, str]


@contextmanager
def soft_hsm(folder: Path) -> Iterator[SoftHsm]:
    """A SoftHSM whose tokens lie in a folder; the library reads where once a process."""
    tool = versions.load().tools["softhsm2-util"]
    found = install.provide(tool, {}, Machine.here(), Console(stderr=True))
    module = _module(found.path)
    tokens = folder / "tokens"
    tokens.mkdir()
    configuration = folder / "softhsm2.conf"
    configuration.write_text(
        f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    with mock.patch.dict(os.environ, {"SOFTHSM2_CONF": str(configuration)}):
        subprocess.run(
            [
                *(str(found.path), "--module", str(module), "--init-token", "--free"),
                *("--label", TOKEN, "--pin", PIN, "--so-pin", "so-pin"),
            ],
            check=True,
            capture_output=True,
        )
        yield SoftHsm(module, {"PKI_PKCS11_MODULE": str(module)})


def _module(binary: Path) -> Path:
    """The library that came with softhsm2-util, wherever the system puts it."""
    prefix = binary.resolve().parent.parent
    for pattern in ("lib*/softhsm", "lib*/pkcs11", "lib/*/softhsm"):
        for found in prefix.glob(f"{pattern}/libsofthsm2.so"):
            return found
    raise AssertionError(f"{prefix} has no libsofthsm2.so")
