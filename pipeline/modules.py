"""Modules and their releases: versions, tags, changelogs, and which module uses which.

A module's release is the git tag ``modules/<name>/v<version>`` (https://semver.org); its changelog
has the form of https://keepachangelog.com.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pipeline.errors import UsageError
from pipeline.git import Git

FOLDER = "modules"
CHANGELOG = "CHANGELOG.md"

_NAME = re.compile(r"[a-z][a-z0-9-]*")
_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
_RELATIVE = re.compile(r'^\s*source\s*=\s*"\.\./([a-z][a-z0-9-]*)/?"', re.MULTILINE)
_HEADING = re.compile(
    r"^## \[?(?:(?P<version>\d+\.\d+\.\d+)|(?P<unreleased>Unreleased))\]?"
    r"(?: - (?P<day>\d{4}-\d{2}-\d{2}))?[ \t]*$",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A version: three numbers, of which the first that differs decides."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``1.2.0``.

        Raises:
            UsageError: it is anything else.
        """
        if (found := _VERSION.fullmatch(text)) is None:
            raise UsageError(f"{text!r} is no version", hint="three numbers, such as 1.2.0")
        return cls(*map(int, found.groups()))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


@dataclass(frozen=True, slots=True)
class Section:
    """What a changelog says of one version.

    Attributes:
        version: None for what is not released.
        day: when it was released, or empty.
        text: without the heading.
        start: where the heading begins in the file.
        body: where the text begins.
    """

    version: Version | None
    day: str
    text: str
    start: int
    body: int


def names(root: Path) -> tuple[str, ...]:
    """Every module of a checkout."""
    return tuple(sorted(path.parent.name for path in (root / FOLDER).glob("*/main.tf")))


def require(root: Path, name: str) -> str:
    """A module's name, once it is known to be one.

    Raises:
        UsageError: there is no such module.
    """
    known = names(root)
    if not _NAME.fullmatch(name) or name not in known:
        raise UsageError(
            f"there is no module {name!r}", hint=f"known: {', '.join(known) or 'none'}"
        )
    return name


def used_by(root: Path, name: str) -> tuple[str, ...]:
    """The modules that a module takes from beside itself, at once or by way of others."""
    found: list[str] = []
    queue = [name]
    while queue:
        folder = root / FOLDER / queue.pop()
        for path in sorted(folder.glob("*.tf")):
            for used in _RELATIVE.findall(path.read_text("utf-8")):
                if used not in found and used != name:
                    found.append(used)
                    queue.append(used)
    return tuple(sorted(found))


def folders(modules: Iterable[str]) -> tuple[str, ...]:
    """Where modules lie, relative to the repository."""
    return tuple(f"{FOLDER}/{name}" for name in modules)


def tag(name: str, version: Version) -> str:
    """The tag of a release."""
    return f"{FOLDER}/{name}/v{version}"


def releases(git: Git, name: str, *, merged: bool = False) -> tuple[Version, ...]:
    """The versions of a module that have a tag, the oldest first.

    Args:
        git: the checkout.
        name: of the module.
        merged: only those in the history of what is checked out.
    """
    prefix = f"{FOLDER}/{name}/v"
    within = ["--merged", "HEAD"] if merged else []
    found = git.run("tag", "--list", *within, f"{prefix}*").split()
    versions = (text.removeprefix(prefix) for text in found)
    return tuple(sorted(Version.parse(text) for text in versions if _VERSION.fullmatch(text)))


def sections(changelog: str) -> tuple[Section, ...]:
    """The sections of a changelog, the newest first, as they stand."""
    headings = list(_HEADING.finditer(changelog))
    ends = [*(heading.start() for heading in headings), len(changelog)][1:]
    return tuple(
        Section(
            version=Version.parse(heading["version"]) if heading["version"] else None,
            day=heading["day"] or "",
            text=changelog[heading.end() : end].strip(),
            start=heading.start(),
            body=heading.end(),
        )
        for heading, end in zip(headings, ends, strict=True)
    )
