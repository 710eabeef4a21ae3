"""Machines made of shell scripts: what a tool sees of the world is its PATH."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

Script = Callable[[Path, str], Path]

UTILITIES = ["awk", "bash", "cat", "chmod", "cp", "dirname", "mkdir", "mktemp", "mv", "rm"]


@pytest.fixture
def script() -> Script:
    """Writes an executable shell script, folders included."""

    def write(path: Path, body: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!{shutil.which('bash')}\n{body}\n")
        path.chmod(0o755)
        return path

    return write


@pytest.fixture
def utilities(tmp_path: Path) -> Path:
    """A folder for PATH with what every system has, and neither Python, uv, Go nor any tool."""
    folder = tmp_path / "utilities"
    folder.mkdir()
    for name in UTILITIES:
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    return folder


@pytest.fixture
def environ(tmp_path: Path, utilities: Path) -> dict[str, str]:
    """The environment of a user who has nothing yet; put tools into `<tmp_path>/bin`."""
    (tmp_path / "bin").mkdir()
    return {
        "HOME": str(tmp_path / "home"),
        "PATH": os.pathsep.join(map(str, (tmp_path / "bin", utilities))),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
