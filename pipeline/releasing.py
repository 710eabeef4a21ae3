"""Releases of modules: the next version from conventional commits, its changelog, its tag.

A commit counts for the modules whose folders it touches. ``feat`` is a minor version, ``fix`` and
``perf`` a patch, ``!`` or ``BREAKING CHANGE`` a major one (before 1.0.0: a minor one); other types
are no release. A module that takes another from beside itself is released when that one changed.
A version that somebody wrote into the changelog already is taken, unless it is too small.
https://www.conventionalcommits.org/en/v1.0.0/
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import IntEnum
from pathlib import Path

from pipeline import modules
from pipeline.errors import CommandFailedError, PipelineError, RefusedError
from pipeline.git import Git
from pipeline.modules import CHANGELOG, FOLDER, Section, Version
from tools.paths import write_atomically

FIRST = Version(0, 1, 0)
"""The first release of a module whose changelog says nothing else."""

BRANCH = "release/modules"
"""The branch of the pull request that proposes releases."""

_TYPES = "build|chore|ci|docs|feat|fix|perf|refactor|revert|style|test"
_HEADER = re.compile(
    rf"(?P<type>{_TYPES})(?:\((?P<scope>[^()\n]+)\))?(?P<breaking>!)?: (?P<words>\S.*)"
)
_BREAKING = re.compile(r"^BREAKING[ -]CHANGE: ", re.MULTILINE)
_GROUPS = {"feat": "Added", "fix": "Fixed", "perf": "Changed"}
_ORDER = ("Changed", "Added", "Fixed")


class Bump(IntEnum):
    """What a change asks of a version."""

    NONE = 0
    PATCH = 1
    MINOR = 2
    MAJOR = 3

    def after(self, version: Version) -> Version:
        """The version after this one; before 1.0.0 what breaks is a minor version."""
        major, minor, patch = version.major, version.minor, version.patch
        match self if major else min(self, Bump.MINOR):
            case Bump.MAJOR:
                return Version(major + 1, 0, 0)
            case Bump.MINOR:
                return Version(major, minor + 1, 0)
            case Bump.PATCH:
                return Version(major, minor, patch + 1)
        return version


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit that touches a module.

    Attributes:
        sha: its name.
        subject: its first line.
        bump: what it asks of the version; None when it is no conventional commit.
        kind: its type, such as ``feat``; empty without.
        words: what it says, without type and scope.
        breaking: whether it breaks what uses the module.
    """

    sha: str
    subject: str
    bump: Bump | None
    kind: str = ""
    words: str = ""
    breaking: bool = False

    @classmethod
    def parse(cls, sha: str, subject: str, body: str) -> "Commit":
        """Read a commit's message."""
        found = _HEADER.fullmatch(subject)
        if found is None:
            return cls(sha, subject, None)
        breaking = bool(found["breaking"] or _BREAKING.search(body))
        bump = {"feat": Bump.MINOR, "fix": Bump.PATCH, "perf": Bump.PATCH}.get(
            found["type"], Bump.NONE
        )
        return cls(
            sha,
            subject,
            Bump.MAJOR if breaking else bump,
            found["type"],
            found["words"].strip(),
            breaking,
        )


@dataclass(frozen=True, slots=True)
class Release:
    """The next release of a module.

    Attributes:
        module: its name.
        last: the version before; None for the first.
        version: the next one.
        written: whether the changelog has its section already.
        commits: those that count, the newest first.
        uncounted: those that are no conventional commits.
        through: modules that it uses, to what changed in them.
    """

    module: str
    last: Version | None
    version: Version
    written: bool
    commits: tuple[Commit, ...] = ()
    uncounted: tuple[Commit, ...] = ()
    through: Mapping[str, tuple[Commit, ...]] | None = None

    @property
    def tag(self) -> str:
        """The tag that it gets."""
        return modules.tag(self.module, self.version)


@dataclass(frozen=True, slots=True)
class Standing:
    """What there is to release.

    Attributes:
        releases: the modules that get a release.
        uncounted: module to commits since its last release that are not conventional ones; of
            every module that was looked at.
    """

    releases: tuple[Release, ...]
    uncounted: Mapping[str, tuple[Commit, ...]]


def look(git: Git, names: Iterable[str]) -> Standing:
    """What modules would be released as.

    Raises:
        RefusedError: a changelog names a version that is too small for what changed, or one that
            is older than the last.
    """
    releases: list[Release] = []
    uncounted: dict[str, tuple[Commit, ...]] = {}
    for name in names:
        release, left = _next(git, name)
        if left:
            uncounted[name] = left
        if release is not None:
            releases.append(release)
    return Standing(tuple(releases), uncounted)


def write(root: Path, releases: Iterable[Release], today: date) -> tuple[Path, ...]:
    """Write changelogs, and the version where pages of ``modules/`` name it.

    Returns:
        The files that were written, relative to the repository.
    """
    written: list[Path] = []
    for release in releases:
        path = Path(FOLDER) / release.module / CHANGELOG
        before = _read(root / path)
        after = changelog(before, release, today)
        if after != before:
            write_atomically(root / path, after)
            written.append(path)
        written += _name_version(root, release)
    return tuple(dict.fromkeys(written))


def changelog(text: str, release: Release, today: date) -> str:
    """A changelog with the section of a release, and the day of it."""
    heading = f"## {release.version} - {today.isoformat()}"
    found = modules.sections(text)
    for section in found:
        if section.version == release.version:
            if section.day:
                return text
            return f"{text[: section.start]}{heading}{text[section.body :]}"
    if found and found[0].version is None:
        first = found[0]
        if first.text:  # what people wrote says more than commits do
            return f"{text[: first.start]}{heading}{text[first.body :]}"
        rest = text[first.body :].lstrip("\n")
        return f"{text[: first.start]}{heading}\n\n{_notes(release)}\n\n{rest}"
    begin = found[0].start if found else len(text)
    gap = "" if found or text.endswith("\n\n") else "\n"
    return (
        f"{text[:begin]}{gap}{heading}\n\n{_notes(release)}\n\n{text[begin:]}".rstrip("\n") + "\n"
    )


def to_tag(git: Git, names: Iterable[str]) -> tuple[tuple[str, Section], ...]:
    """The modules whose changelog begins with a version that has no tag yet, and its section.

    Raises:
        RefusedError: such a version is too small for what changed since the last release.
    """
    found: list[tuple[str, Section]] = []
    for name in names:
        release, _ = _next(git, name)
        if release is not None and release.written:
            section = _newest(git.root, name)
            if section is not None and section.version == release.version:
                found.append((name, section))
    return tuple(found)


def make_tags(git: Git, entries: Iterable[tuple[str, Section]]) -> tuple[str, ...]:
    """Make the annotated tags of releases, at HEAD.

    Raises:
        RefusedError: the modules have changes that are not committed, or a tag is there.
    """
    if changed := git.run("status", "--porcelain", "--", f"{FOLDER}/").strip():
        raise RefusedError(
            f"modules have changes that are not committed:\n{changed}", hint="commit them first"
        )
    made: list[str] = []
    for name, section in entries:
        if section.version is None:
            continue
        tag = modules.tag(name, section.version)
        try:
            git.run("tag", "--annotate", tag, "-m", f"{name} {section.version}\n\n{section.text}")
        except CommandFailedError as error:
            raise RefusedError(
                f"{tag} cannot be made: {error}", hint="a tag is never moved: git fetch --tags"
            ) from error
        made.append(tag)
    return tuple(made)


def push(git: Git, tags: Sequence[str], *, remote: str = "origin") -> None:
    """Push tags, all or none.

    Raises:
        RefusedError: one is there already: somebody else released meanwhile.
    """
    if not tags:
        return
    try:
        git.run("push", "--atomic", remote, *(f"refs/tags/{tag}" for tag in tags))
    except CommandFailedError as error:
        git.run("tag", "--delete", *tags)  # ours, and nobody has seen them
        raise RefusedError(
            f"the tags were not pushed: {error}",
            hint="another run released meanwhile: git fetch --tags, then make release",
        ) from error


def propose(git: Git, releases: Sequence[Release], today: date, *, remote: str = "origin") -> str:
    """Write releases in a checkout apart, commit them, and push the branch of the pull request.

    Returns:
        The commit's message: title, an empty line, and the releases.

    Raises:
        PipelineError: it cannot be pushed.
    """
    listed = [f"- {release.module} {release.version}" for release in releases]
    title = f"chore(modules): release {releases[0].module} {releases[0].version}"
    if len(releases) > 1:
        title = f"chore(modules): release {len(releases)} modules"
    message = "\n".join([title, "", *listed])
    with git.worktree("HEAD") as folder:
        apart = replace(git, root=folder)
        files = write(folder, releases, today)
        apart.run("add", "--", *map(str, files))
        apart.run("commit", "--quiet", "--no-verify", "-m", message)
        # Nobody works on this branch: each run writes it anew from main.
        apart.run("push", "--force", remote, f"HEAD:refs/heads/{BRANCH}")
    return message


def _next(git: Git, name: str) -> tuple[Release | None, tuple[Commit, ...]]:
    released = modules.releases(git, name, merged=True)
    last = released[-1] if released else None
    newest = _newest(git.root, name)
    written = newest.version if newest is not None else None
    if last is None:
        # No tag to count from: what was written is the first release.
        return Release(name, None, written or FIRST, written=written is not None), ()
    since = modules.tag(name, last)
    own = _commits(git, since, [f"{FOLDER}/{name}"])
    through = {
        used: commits
        for used in modules.used_by(git.root, name)
        if (commits := _counting(_commits(git, since, [f"{FOLDER}/{used}"], but=own)))
    }
    uncounted = tuple(commit for commit in own if commit.bump is None)
    counting = _counting(own)
    bump = max([commit.bump or Bump.NONE for commit in counting], default=Bump.NONE)
    if through:
        bump = max(bump, Bump.PATCH)
    release = Release(
        name,
        last,
        bump.after(last),
        written=False,
        commits=counting,
        uncounted=uncounted,
        through=through,
    )
    if written is not None and written > last:
        if written < release.version:
            raise RefusedError(
                f"{name}: its changelog says {written}, but what changed since {last} takes "
                f"{release.version}",
                hint=f"write {release.version} in modules/{name}/{CHANGELOG}",
            )
        return replace(release, version=written, written=True), uncounted
    if written is not None and written < last:
        raise RefusedError(f"{name}: its changelog ends at {written}, and {last} was released")
    if bump is Bump.NONE:
        return None, uncounted
    return release, uncounted


def _commits(
    git: Git, since: str, folders: Sequence[str], *, but: Sequence[Commit] = ()
) -> tuple[Commit, ...]:
    """The commits since a tag that touch folders, but for what only tests or documents them."""
    known = {commit.sha for commit in but}
    written = git.run(
        *("log", "--no-merges", "--format=%H%x00%s%x00%b%x1e", f"{since}..HEAD", "--", *folders)
    )
    entries = (entry.strip("\n").split("\0") for entry in written.split("\x1e") if entry.strip())
    return tuple(
        Commit.parse(sha, subject, body) for sha, subject, body in entries if sha not in known
    )


def _counting(commits: Iterable[Commit]) -> tuple[Commit, ...]:
    return tuple(commit for commit in commits if commit.bump)


def _newest(root: Path, name: str) -> Section | None:
    """The first section of a changelog that is a version's."""
    path = root / FOLDER / name / CHANGELOG
    found = modules.sections(_read(path))
    return next((section for section in found if section.version is not None), None)


def _notes(release: Release) -> str:
    groups: dict[str, list[str]] = {}
    for commit in reversed(release.commits):
        group = "Changed" if commit.breaking else _GROUPS[commit.kind]
        words = f"{commit.words[0].upper()}{commit.words[1:]}".rstrip(".")
        mark = "**Breaking:** " if commit.breaking else ""
        groups.setdefault(group, []).append(f"- {mark}{words}.")
    for used, commits in (release.through or {}).items():
        words = "; ".join(commit.words.rstrip(".") for commit in reversed(commits))
        groups.setdefault("Changed", []).append(f"- Of `{used}`, which it uses: {words}.")
    return "\n\n".join(
        f"### {group}\n" + "\n".join(dict.fromkeys(groups[group]))
        for group in _ORDER
        if group in groups
    )


def _name_version(root: Path, release: Release) -> list[Path]:
    """Pages show how to pin a module: by the version that there is."""
    pin = re.compile(rf"(\?ref=refs/tags/{FOLDER}/{re.escape(release.module)}/v)\d+\.\d+\.\d+")
    written: list[Path] = []
    for path in sorted((root / FOLDER).glob("*/README.md")):
        before = path.read_text("utf-8")
        after = pin.sub(rf"\g<1>{release.version}", before)
        if after != before:
            write_atomically(path, after)
            written.append(path.relative_to(root))
    return written


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError as error:
        raise PipelineError(f"{path} does not exist", hint="a module has a changelog") from error
