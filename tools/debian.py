"""Programs of Debian packages, unpacked into a folder: no root, no change to the system.

Works on Debian and what derives from it, with the system's own sources and keys: apt verifies
what it fetches, as ever.
"""

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tools.errors import ToolsError


def unpack(package: str, folder: Path, apt: Path, environ: Mapping[str, str]) -> None:
    """Fetches a package, and what it needs and the system lacks, and unpacks them.

    Nothing is there when it fails or is interrupted.

    Args:
        package: The package's name.
        folder: Where `usr/bin/...` appears; must not exist.
        apt: The system's apt-get.
        environ: The environment, for apt.

    Raises:
        ToolsError: The package cannot be fetched or unpacked.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".unpack-") as name:
        work = Path(name)
        root = work / "root"
        root.mkdir()
        for archive in _download(package, work, apt, environ):
            _run(["dpkg-deb", "--extract", archive, root], package, environ)
        root.replace(folder)


def _download(package: str, work: Path, apt: Path, environ: Mapping[str, str]) -> list[Path]:
    """Asks the system's sources with state of our own: its lists may be missing, and are root's."""
    for needed in ("state/lists/partial", "cache/archives/partial"):
        (work / needed).mkdir(parents=True)
    command: list[str | Path] = [
        *(apt, "--quiet", "--yes"),
        *("-o", f"Dir::State={work / 'state'}", "-o", "Dir::State::status=/var/lib/dpkg/status"),
        *("-o", f"Dir::Cache={work / 'cache'}", "-o", "Debug::NoLocking=1"),
        *("-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=3"),
    ]
    _run([*command, "update"], package, environ)
    _run(
        [*command, "--download-only", "--no-install-recommends", "install", package],
        package,
        environ,
    )
    archives = sorted((work / "cache" / "archives").glob("*.deb"))
    if not archives:
        raise ToolsError(
            f"apt has nothing to fetch for {package}",
            hint=f"is it installed without its program? sudo apt-get install --reinstall {package}",
        )
    return archives


def _run(command: list[str | Path], package: str, environ: Mapping[str, str]) -> None:
    try:
        result = subprocess.run(
            command,
            env={**environ, "LC_ALL": "C"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
        )
    except OSError as error:
        raise ToolsError(f"{command[0]} cannot be run: {error}") from error
    if result.returncode != 0:
        raise ToolsError(
            f"the Debian package {package} could not be fetched:\n"
            + "\n".join(result.stdout.strip().splitlines()[-20:]),
            hint=f"check the network, or sudo apt-get install {package}",
        )
