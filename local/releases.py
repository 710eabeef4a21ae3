"""Released modules on the laptop: ``.local/modules.git``, in which every pin of ``live/`` is a tag.

A unit pins ``git::https://github.com/<owner>/<name>.git//modules/<module>?ref=refs/tags/modules/<module>/v<version>``.
Git is told to fetch that address from here instead. The version that a module's ``CHANGELOG.md``
names last is this working tree's, so that a module can be tried before it is released; an older
one is what the project's own tag holds.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from local.errors import LocalError

_PIN = re.compile(r'^\s*([a-z][a-z0-9-]*)\s*=\s*"(\d+\.\d+\.\d+)"', re.MULTILINE)
_RELEASE = re.compile(r"^## \[?(\d+\.\d+\.\d+)\b", re.MULTILINE)
_MAIN = "refs/heads/main"

# The same files make the same commit, whoever makes it and when.
_NOBODY = {
    f"GIT_{role}_{fact}": value
    for role in ("AUTHOR", "COMMITTER")
    for fact, value in (("NAME", "local"), ("EMAIL", "local@localhost"), ("DATE", "@0 +0000"))
}


@dataclass(frozen=True, order=True, slots=True)
class Pin:
    """A released version that a folder of ``live/`` runs.

    Attributes:
        folder: which, below ``live/``: ``non-prod/eu-west-1/stage``.
        module: its name.
        version: ``1.2.0``.
    """

    folder: str
    module: str
    version: str

    @property
    def tag(self) -> str:
        """The tag of that release."""
        return f"modules/{self.module}/v{self.version}"


def find_pins(live: Path) -> list[Pin]:
    """The pins of every folder, but those that are this working tree itself."""
    return sorted(
        Pin(file.parent.relative_to(live).as_posix(), module, version)
        for file in live.glob("*/*/*/versions.hcl")
        for module, version in _PIN.findall(file.read_text("utf-8"))
    )


def current_version(module: Path) -> str | None:
    """The version that a module's changelog names last, None when it names none."""
    try:
        found = _RELEASE.search((module / "CHANGELOG.md").read_text("utf-8"))
    except FileNotFoundError:
        return None
    return found[1] if found else None


def build(repository: Path, project: Path, pins: Iterable[Pin]) -> list[Pin]:
    """Make the repository, or bring it up to date.

    Args:
        repository: the bare repository.
        project: the working tree whose ``modules/`` it is to hold.
        pins: what has to be found in it.

    Returns:
        The pins that nothing can be found for: neither is the version the module's current one,
        nor has the project a tag of it.

    Raises:
        LocalError: git cannot do its work.
    """
    if not (repository / "HEAD").is_file():
        repository.mkdir(parents=True, exist_ok=True)
        _git(repository, "init", "--quiet", "--bare")
    commit = _commit_modules(repository, project)
    missing = []
    refs = [f"update {_MAIN} {commit}"]
    for pin in pins:
        if current_version(project / "modules" / pin.module) == pin.version:
            refs.append(f"update refs/tags/{pin.tag} {commit}")
        elif not _fetch(repository, project, pin.tag):
            refs.append(f"delete refs/tags/{pin.tag}")
            missing.append(pin)
    _git(repository, "update-ref", "--stdin", lines=dict.fromkeys(refs))
    return missing


def require(missing: Iterable[Pin], folders: Sequence[str]) -> None:
    """Refuse to go on where a folder that is brought up pins what cannot be found.

    Raises:
        LocalError: one of them does.
    """
    for pin in missing:
        if pin.folder in folders:
            raise LocalError(
                f"live/{pin.folder}/versions.hcl pins {pin.module} {pin.version}, which is neither "
                "the module's current version nor a tag of this repository",
                hint=f"git fetch --tags, or pin a version that exists; the tag is {pin.tag}",
            )


def commit_of(repository: Path) -> str:
    """The commit that the repository was built from last; empty when it was not."""
    if not (repository / "HEAD").is_file():
        return ""
    return _git(repository, "for-each-ref", "--format=%(objectname)", _MAIN)


def forget_copies(cache: Path) -> None:
    """Remove Terragrunt's copies of releases, which it believes never to change.

    A copy of a release has the layout of the repository, ``modules/<name>``; one of the working
    tree has not.
    """
    for folder in cache.glob(".terragrunt-cache/*/*/*/modules"):
        shutil.rmtree(folder.parent, ignore_errors=True)


def git_config(repository: Path, github_repository: str) -> dict[str, str]:
    """The variables that make git fetch the project's address from this repository."""
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{repository}.insteadOf",
        "GIT_CONFIG_VALUE_0": f"https://github.com/{github_repository}.git",
    }


def _commit_modules(repository: Path, project: Path) -> str:
    """Commit the files of ``modules/``, new ones among them and ignored ones not."""
    with tempfile.TemporaryDirectory() as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        worktree = (f"--work-tree={project}", "-c", "core.autocrlf=false")
        _git(repository, *worktree, "add", "--all", "--", "modules", environ=index, cwd=project)
        tree = _git(repository, "write-tree", environ=index)
    return _git(repository, "commit-tree", tree, "-m", "modules", environ=_NOBODY)


def _fetch(repository: Path, project: Path, tag: str) -> bool:
    refspec = f"+refs/tags/{tag}:refs/tags/{tag}"
    try:
        _git(repository, "fetch", "--quiet", "--no-tags", "--depth=1", f"file://{project}", refspec)
    except LocalError:
        return False
    return True


def _git(
    repository: Path,
    *arguments: str,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    lines: Iterable[str] = (),
) -> str:
    try:
        done = subprocess.run(
            ["git", f"--git-dir={repository}", *arguments],
            cwd=cwd,
            env={**_own_environment(), **(environ or {})},
            input="".join(f"{line}\n" for line in lines),
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise LocalError(
            f"git cannot be run: {error.strerror}",
            hint="install git: Terragrunt fetches released modules with it",
        ) from error
    if done.returncode != 0:
        raise LocalError(
            f"{repository}: git {arguments[0]} failed: {done.stderr.strip()}",
            hint="remove the folder and run the command again",
        )
    return done.stdout.strip()


def _own_environment() -> dict[str, str]:
    """Without what a hook of git leaves in it, which would name another repository."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
