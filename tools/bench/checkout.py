"""A copy of the checkout to change at will: what is tried out must not touch the real one."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tools.errors import ToolsError
from tools.paths import BUILD, ROOT

_SOMEBODY = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
    # A person's own settings, such as signed commits, are not for the copy.
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}
_BUILT = ("envs", "lambda")


def git_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment in which git commits in a copy, whoever is logged in and in whatever job."""
    kept = {name: value for name, value in environ.items() if not name.startswith("GIT_")}
    return {**kept, **_SOMEBODY}


def copy(target: Path, source: Path = ROOT) -> None:
    """Copy what git knows or would add, as a repository that has nothing committed yet.

    What was built (functions, environments of tools) is linked, so that nothing is built again.

    Raises:
        ToolsError: git failed.
    """
    target.mkdir(parents=True)
    listed = git(source, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        if (source / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, target / name)
    build = target / "build"
    build.mkdir()
    for name in _BUILT:
        (BUILD / name).mkdir(parents=True, exist_ok=True)
        (build / name).symlink_to(BUILD / name)
    git(target, "init", "--quiet", "--initial-branch", "main")


def commit(checkout: Path, message: str) -> None:
    """Commit everything in a copy.

    Raises:
        ToolsError: git failed.
    """
    git(checkout, "add", "--all")
    git(checkout, "commit", "--quiet", "--message", message)


def git(checkout: Path, *arguments: str) -> str:
    """What git says.

    Raises:
        ToolsError: it failed.
    """
    done = subprocess.run(
        ["git", *arguments],
        cwd=checkout,
        env=git_environment(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ToolsError(f"git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout.strip()
