"""What the pipeline asks Git: commits, trees, and which files a change touches."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import CommandFailedError, PipelineError, UsageError

_FULL_HISTORY = (
    "fetch the whole history: `fetch-depth: 0` for actions/checkout, `git fetch --unshallow` here"
)


@dataclass(frozen=True, slots=True)
class Git:
    """A checkout.

    Attributes:
        root: its top folder.
        environ: the environment of the commands.
    """

    root: Path
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def run(self, *arguments: str, index: Path | None = None) -> str:
        """Run a command of Git and return what it wrote.

        Args:
            arguments: the command and its arguments.
            index: another index than the checkout's.

        Raises:
            CommandFailedError: it failed; says what Git said.
        """
        environ = {**self.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
        if index is not None:
            environ["GIT_INDEX_FILE"] = str(index)
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
        )
        if done.returncode != 0:
            raise CommandFailedError(f"git {arguments[0]}: {done.stderr.strip()}")
        return done.stdout

    def commit(self, revision: str) -> str:
        """The commit that a revision names.

        Raises:
            UsageError: there is none here.
        """
        try:
            return self.run(
                "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
            ).strip()
        except CommandFailedError as error:
            hint = _FULL_HISTORY if self.is_shallow else "git fetch, or name another commit"
            raise UsageError(f"{revision!r} names no commit that is here", hint=hint) from error

    @property
    def is_shallow(self) -> bool:
        """Whether history was cut off when it was fetched."""
        return self.run("rev-parse", "--is-shallow-repository").strip() == "true"

    def merge_base(self, base: str, head: str) -> str:
        """Where the history of ``head`` left that of ``base``.

        Raises:
            UsageError: a revision names no commit.
            PipelineError: there is no such commit here.
        """
        ours, theirs = self.commit(base), self.commit(head)
        try:
            return self.run("merge-base", ours, theirs).strip()
        except CommandFailedError as error:
            hint = _FULL_HISTORY if self.is_shallow else "the two share no history"
            raise PipelineError(
                f"no common ancestor of {base} and {head} is here", hint=hint
            ) from error

    def tree(self, revision: str) -> str:
        """The git tree of a commit."""
        return self.run("rev-parse", "--verify", f"{self.commit(revision)}^{{tree}}").strip()

    def working_tree(self) -> str:
        """The git tree of what lies in the checkout now, committed or not.

        That of HEAD when nothing was changed. Ignored files are not part of it.
        """
        index = Path(self.run("rev-parse", "--path-format=absolute", "--git-path", "index").strip())
        with tempfile.TemporaryDirectory(prefix="index-") as folder:
            copy = Path(folder) / "index"
            if index.is_file():
                shutil.copyfile(index, copy)
            self.run("add", "--all", "--", ".", index=copy)
            return self.run("write-tree", index=copy).strip()

    def changed(self, base: str, tree: str) -> tuple[str, ...]:
        """The files that differ between two commits or trees.

        A file that was moved is two: one that is gone and one that is new.
        """
        names = self.run("diff-tree", "-r", "-z", "--name-only", "--no-renames", base, tree)
        return tuple(name for name in names.split("\0") if name)

    def files(self, revision: str, folder: str) -> tuple[str, ...]:
        """All files of a commit below a folder."""
        names = self.run("ls-tree", "-r", "-z", "--name-only", revision, "--", f"{folder}/")
        return tuple(name for name in names.split("\0") if name)

    def read(self, revision: str, path: str) -> str | None:
        """A file as a commit has it; None when it has none."""
        if not self.run("ls-tree", "-z", "--name-only", revision, "--", path):
            return None
        return self.run("show", f"{revision}:{path}")

    def authors(self, base: str, head: str) -> tuple[str, ...]:
        """Who wrote a commit, and those since another one where that is named."""
        commits = ["--max-count=1", head] if not base or base == head else [f"{base}..{head}"]
        names = self.run("log", "-z", "--format=%an", *commits, "--")
        return tuple(sorted({name for name in names.split("\0") if name}))

    @contextmanager
    def worktree(self, revision: str) -> Iterator[Path]:
        """A second checkout, of another commit, that is gone afterwards."""
        with tempfile.TemporaryDirectory(prefix="worktree-") as folder:
            path = Path(folder).resolve() / self.root.name
            self.run("worktree", "add", "--detach", "--quiet", str(path), self.commit(revision))
            try:
                yield path
            finally:
                self.run("worktree", "remove", "--force", str(path))
