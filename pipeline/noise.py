"""Known differences between the code and the world: ``live/drift-noise.yaml``.

An entry says which attribute of which resource may differ, why, who answers for it, and until when.
After that day it is of no effect. No entry excuses a resource that is gone, or there too much.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Self

import yaml

from pipeline.errors import PipelineError

FILE = Path("live/drift-noise.yaml")
"""Relative to the repository."""

HORIZON = timedelta(days=400)
"""How far ahead an entry may end: somebody looks at each once a year."""

_FIELDS = ("unit", "address", "attribute", "reason", "owner", "until")
_SHORTEST_REASON = 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One known difference.

    Attributes:
        unit: pattern of a unit's path; ``*`` stands for one folder, or a part of its name.
        address: pattern of a resource's address; ``*`` stands for anything.
        attribute: pattern of an attribute's path; what lies below it is meant too.
        reason: why it differs, and why that is well.
        owner: who answers for it.
        until: the last day on which it counts.
    """

    unit: str
    address: str
    attribute: str
    reason: str
    owner: str
    until: date

    def covers(self, unit: str, address: str, attribute: str) -> bool:
        """Whether a difference is this one."""
        return bool(
            _pattern(self.unit, "[^/]*").fullmatch(unit)
            and _pattern(self.address, ".*").fullmatch(address)
            and _pattern(self.attribute, "[^.]*", end=r"(\..*)?").fullmatch(attribute)
        )


@dataclass(frozen=True, slots=True)
class Noise:
    """The known differences.

    Attributes:
        entries: those that count today.
        expired: those that no longer do.
    """

    entries: tuple[Entry, ...] = ()
    expired: tuple[Entry, ...] = ()

    @classmethod
    def load(cls, path: Path, today: date) -> Self:
        """Read and check the file.

        Raises:
            PipelineError: it is missing, no YAML, or an entry is wrong; says which and how.
        """
        try:
            document = yaml.safe_load(path.read_text("utf-8"))
        except FileNotFoundError as error:
            raise PipelineError(
                f"{path} does not exist", hint="an empty one holds: noise: []"
            ) from error
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise PipelineError(f"{path} cannot be read: {error}") from error
        if not isinstance(document, dict) or set(document) != {"noise"}:
            raise PipelineError(f"{path}: expected one key, noise")
        listed = document["noise"]
        if not isinstance(listed, list):
            raise PipelineError(f"{path}: noise: expected a list")
        entries = [_entry(entry, f"{path}: entry {n}", today) for n, entry in enumerate(listed, 1)]
        return cls(
            tuple(entry for entry in entries if entry.until >= today),
            tuple(entry for entry in entries if entry.until < today),
        )

    def find(self, unit: str, address: str, attribute: str) -> Entry | None:
        """The entry that knows a difference, or None."""
        return next(
            (entry for entry in self.entries if entry.covers(unit, address, attribute)), None
        )


def _entry(document: object, name: str, today: date) -> Entry:
    if not isinstance(document, dict):
        raise PipelineError(f"{name}: expected a mapping")
    if wrong := sorted(map(str, set(document) ^ set(_FIELDS))):
        raise PipelineError(f"{name}: missing or unknown: {', '.join(wrong)}")
    until = document["until"]
    if type(until) is not date:
        raise PipelineError(f"{name}: until: {until!r} is no day", hint="write 2027-03-31")
    if until > today + HORIZON:
        raise PipelineError(f"{name}: until: at most {HORIZON.days} days ahead, found {until}")
    texts = _texts(document, name)
    if texts["unit"].count("/") != 3:
        raise PipelineError(
            f"{name}: unit: {texts['unit']!r} is none",
            hint="<account>/<region>/<environment>/<unit>, with * where any will do",
        )
    if set(texts["attribute"]) <= set("*."):
        raise PipelineError(f"{name}: attribute: name the attribute; all of them is no noise")
    if len(texts["reason"]) < _SHORTEST_REASON:
        raise PipelineError(f"{name}: reason: say why it differs, and why that is well")
    return Entry(**texts, until=until)


def _texts(document: Mapping[Any, Any], name: str) -> dict[str, str]:
    texts: dict[str, str] = {}
    for field in _FIELDS[:-1]:
        value = document[field]
        if not isinstance(value, str) or not value.strip():
            raise PipelineError(f"{name}: {field}: expected text")
        texts[field] = " ".join(value.split())
    return texts


def _pattern(text: str, star: str, *, end: str = "") -> re.Pattern[str]:
    parts: Iterable[str] = map(re.escape, text.split("*"))
    return re.compile(star.join(parts) + end, re.DOTALL)
