"""The pinned versions of tools/versions.toml, typed."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

FILE = Path(__file__).with_name("versions.toml")


@dataclass(frozen=True, order=True)
class Version:
    """A version of three numbers, as tools print it.

    Example:
        >>> Version.parse("terragrunt version v1.1.3") < Version(1, 2, 0)
        True
    """

    major: int
    minor: int
    patch: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads the first version in a text, with or without words around it.

        Raises:
            ValueError: The text has no version.
        """
        match = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
        if match is None:
            message = f"no version in {text[:80]!r}"
            raise ValueError(message)
        return cls(int(match[1]), int(match[2]), int(match[3] or 0))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


@dataclass(frozen=True)
class Tool:
    """A command-line tool, and which of its versions this project works with.

    Attributes:
        name: Its command.
        version: What is built or installed where none fits.
        minimum: The lowest version that fits.
        below: The lowest version that no longer fits.
        package: The Go package to build it from; empty when it cannot be built.
        debian: The Debian package to unpack it from; empty for none.
        ldflags: Linker flags of that build, which tell the binary its version.
        build_minutes: About how long the build takes on two cores.
        stand_in: The tool that can do its work where it is missing; empty for none.
    """

    name: str
    version: str
    minimum: Version
    below: Version
    package: str = ""
    debian: str = ""
    ldflags: str = ""
    build_minutes: int = 1
    stand_in: str = ""

    def fits(self, version: Version) -> bool:
        """Tells whether the project works with that version."""
        return self.minimum <= version < self.below


@dataclass(frozen=True)
class Versions:
    """All pins. `tools` is keyed by command."""

    python: str
    uv: str
    go: str
    node: str
    provider: str
    tools: dict[str, Tool]


def load(file: Path = FILE) -> Versions:
    """Reads the pins.

    Raises:
        KeyError: A section or a key is missing.
        tomllib.TOMLDecodeError: The file is no TOML.
    """
    data = tomllib.loads(file.read_text())
    return Versions(
        python=data["python"]["version"],
        uv=data["uv"]["version"],
        go=data["go"]["version"],
        node=data["node"]["version"],
        provider=data["provider"]["version"],
        tools={name: _tool(name, fields) for name, fields in data["tool"].items()},
    )


def _tool(name: str, fields: dict[str, Any]) -> Tool:
    bounds = {key: Version.parse(fields[key]) for key in ("minimum", "below")}
    return Tool(name=name, **(fields | bounds))
