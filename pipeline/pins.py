"""The pins of an environment: ``versions.hcl``, a map of module to version and nothing else."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

LOCAL = "local"
"""The version that means this working tree."""

VERSIONS_FILE = "versions.hcl"

_COMMENT = re.compile(r'"(?:[^"\\]|\\.)*"|(#|//)[^\n]*|/\*.*?\*/', re.DOTALL)
_MAP = re.compile(r"\bversions\s*=\s*\{([^{}]*)\}")
_PIN = re.compile(r'\s*"?([A-Za-z0-9_-]+)"?\s*[=:]\s*"([^"$%\\]*)"\s*,?\s*')


@dataclass(frozen=True, slots=True)
class Pins:
    """What ``versions.hcl`` says.

    Attributes:
        versions: module to version.
        rest: everything else in the file, without comments and spaces.
    """

    versions: Mapping[str, str]
    rest: str

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read the file; None when it has another form than a plain map of strings."""
        bare = _COMMENT.sub(lambda found: "" if found[1] or found[0][0] == "/" else found[0], text)
        found = _MAP.findall(bare)
        if len(found) != 1:
            return None
        versions: dict[str, str] = {}
        body, at = found[0], 0
        while body[at:].strip():
            entry = _PIN.match(body, at)
            if entry is None or entry[1] in versions:
                return None
            versions[entry[1]] = entry[2]
            at = entry.end()
        return cls(versions, "".join(_MAP.sub("", bare).split()))

    def differ_in(self, other: "Pins") -> frozenset[str] | None:
        """The modules with another version there; None when more than pins differs."""
        if self.rest != other.rest:
            return None
        modules = self.versions.keys() | other.versions.keys()
        return frozenset(
            module for module in modules if self.versions.get(module) != other.versions.get(module)
        )

    @property
    def local(self) -> frozenset[str]:
        """The modules that are taken from this working tree."""
        return frozenset(module for module, version in self.versions.items() if version == LOCAL)
