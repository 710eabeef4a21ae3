"""Environments of their own for tools whose pins clash with the project's.

Each is a dependency group of pyproject.toml, locked in the one uv.lock like everything else:

    python -m tools.isolated checkov -- checkov --version
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.errors import ToolsError, exit_code
from tools.paths import BUILD, ROOT, locked

ENVIRONMENTS = BUILD / "envs"
"""A virtual environment per group."""


def sync(group: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Makes the environment of a dependency group what uv.lock says.

    Args:
        group: A dependency group of pyproject.toml.
        environ: The environment, for uv.

    Returns:
        The environment's bin folder.

    Raises:
        ToolsError: There is no uv, no such group, or its packages could not be installed.
    """
    uv = shutil.which("uv", path=environ.get("PATH"))
    if uv is None:
        raise ToolsError("uv is not on PATH", hint="run this through make or tools/bootstrap")
    folder = ENVIRONMENTS / group
    inherited = {name: value for name, value in environ.items() if name != "VIRTUAL_ENV"}
    with locked(ENVIRONMENTS / f".{group}.lock"):
        result = subprocess.run(
            [uv, "sync", "--quiet", "--frozen", "--no-install-workspace", "--only-group", group],
            cwd=ROOT,
            env={**inherited, "UV_PROJECT_ENVIRONMENT": str(folder)},
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    if result.returncode != 0:
        raise ToolsError(f"the environment {group} could not be made:\n{result.stderr.strip()}")
    return folder / "bin"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.isolated",
        description="Runs a command in the environment of one dependency group.",
    )
    parser.add_argument("group", metavar="GROUP", help="a dependency group of pyproject.toml")
    parser.add_argument("command", metavar="COMMAND", nargs="+", help="after --")
    options = parser.parse_args(arguments)

    def run() -> int:
        command = sync(options.group) / options.command[0]
        if not command.is_file():
            raise ToolsError(f"the group {options.group} installs no command {command.name}")
        os.execv(command, options.command)  # noqa: S606 # becomes the command
        return 0

    return exit_code(run)


if __name__ == "__main__":
    sys.exit(main())
