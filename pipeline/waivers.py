"""The register of waivers: what a rule denies, and may be for a while all the same.

One file serves the policies and checkov (``policies/waivers.yaml``). An entry that has expired,
is malformed, lasts too long or names no rule does not merely have no effect: it is denied itself,
so that nobody relies on it.
"""

import functools
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Self

import jsonschema
import yaml

from pipeline.model import Finding, FindingKind, Severity, Source
from tools.paths import ROOT

__all__ = ["HORIZON", "RULES", "Register", "Rule", "Waiver"]

FILE = ROOT / "policies" / "waivers.yaml"
SCHEMA = ROOT / "policies" / "schemas" / "waivers.json"

HORIZON = timedelta(days=180)
"""How far ahead an entry may expire: longer is no waiver, but a rule that nobody keeps."""

CHECKOV = "CKV"
"""How the ids of checkov's rules begin, ours among them."""

_LINK = "docs/policies.md"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule over exceptions themselves; none of them can be waived."""

    id: str
    severity: Severity
    title: str
    remedy: str
    kind: FindingKind = FindingKind.DENY
    source: Source = Source.OPA
    link: str = _LINK

    def about(self, file: str, line: int, message: str) -> Finding:
        """What this rule finds at a line of a file."""
        return Finding(
            rule=self.id,
            kind=self.kind,
            severity=self.severity,
            source=self.source,
            title=self.title,
            unit="",
            address=file,
            message=message,
            remedy=self.remedy,
            link=self.link,
            file=file,
            line=line,
            waivable=False,
        )


MALFORMED = Rule(
    "WAIVER-001",
    Severity.HIGH,
    "The register of waivers has the form of its schema",
    "Write the entry as the head of policies/waivers.yaml shows.",
)
EXPIRED = Rule(
    "WAIVER-002",
    Severity.HIGH,
    "A waiver has not expired",
    "Put right what was waived, or have the waiver reviewed again with another day.",
)
TOO_LONG = Rule(
    "WAIVER-003",
    Severity.HIGH,
    f"A waiver ends within {HORIZON.days} days",
    f"Take a day that is at most {HORIZON.days} days ahead.",
)
UNKNOWN_RULE = Rule(
    "WAIVER-004",
    Severity.HIGH,
    "A waiver names a rule that exists",
    "Name the rule by its id (docs/policies.md), or take the entry out.",
)
NOT_WAIVABLE = Rule(
    "WAIVER-005",
    Severity.HIGH,
    "A waiver is for a rule that may be waived",
    "Put right what the rule denies; nothing may waive it.",
)
UNUSED = Rule(
    "WAIVER-006",
    Severity.LOW,
    "A waiver is for something that is there",
    "Take the entry out, or correct its resource and unit.",
    FindingKind.WARN,
)

RULES = (MALFORMED, EXPIRED, TOO_LONG, UNKNOWN_RULE, NOT_WAIVABLE, UNUSED)
"""All of them, for the documentation."""


@dataclass(frozen=True, slots=True)
class Waiver:
    """An entry that holds today.

    Attributes:
        rule: id of the rule.
        resource: pattern of an address or file.
        unit: pattern of a unit's path; empty for any.
        owner: who answers for it.
        reason: why it may be.
        expires: the last day that it holds.
        ticket: where its end is planned.
        line: in the register.
    """

    rule: str
    resource: str
    unit: str
    owner: str
    reason: str
    expires: date
    ticket: str
    line: int = 0

    def covers(self, finding: Finding) -> bool:
        """Whether it is for that finding."""
        return (
            self.rule == finding.rule
            and (not self.unit or _matches(self.unit, finding.unit))
            and any(
                name and _matches(self.resource, name) for name in (finding.address, finding.file)
            )
        )

    def days_left(self, today: date) -> int:
        """How many days it still holds after today."""
        return (self.expires - today).days


@dataclass(frozen=True, slots=True)
class Register:
    """What a register says today.

    Attributes:
        waivers: the entries that hold.
        refused: what is wrong with the others.
        today: the day.
        file: the register's path, as findings show it.
    """

    waivers: tuple[Waiver, ...]
    refused: tuple[Finding, ...]
    today: date
    file: str

    @classmethod
    def load(cls, path: Path = FILE, today: date | None = None) -> Self:
        """Read a register; whatever is wrong with it becomes findings, never an exception.

        A register that is missing is malformed: one that is empty says so itself.

        Args:
            path: the register.
            today: the day; the machine's when None.
        """
        today = today or date.today()  # noqa: DTZ011 # expiry is a day, wherever one is
        name = _shown(path)
        try:
            text = path.read_bytes().decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            return cls((), (MALFORMED.about(name, 0, f"it cannot be read: {error}"),), today, name)
        return cls.parse(text, today, name)

    @classmethod
    def parse(cls, text: str, today: date, file: str = "policies/waivers.yaml") -> Self:
        """Read a register's text."""
        try:
            document, lines = _yaml(text)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None)
            line = mark.line + 1 if mark is not None else 0
            message = f"it is no YAML: {str(error).splitlines()[0]}"
            return cls((), (MALFORMED.about(file, line, message),), today, file)
        entries = document.get("waivers") if isinstance(document, dict) else None
        waivers: list[Waiver] = []
        refused: list[Finding] = []
        faults = _faults(document)
        for place, message in faults:
            line = lines[place] if isinstance(place, int) and place < len(lines) else 0
            refused.append(MALFORMED.about(file, line, message))
        broken = {place for place, _ in faults}
        if None in broken or not isinstance(entries, list):
            return cls((), tuple(refused), today, file)
        for index, entry in enumerate(entries):
            if index in broken:
                continue
            line = lines[index] if index < len(lines) else 0
            outcome = _waiver(entry, line, today, file)
            if isinstance(outcome, Waiver):
                waivers.append(outcome)
            else:
                refused.append(outcome)
        return cls(tuple(waivers), tuple(refused), today, file)

    def apply(
        self,
        findings: Iterable[Finding],
        known_rules: Mapping[str, bool] | Collection[str],
        *,
        judged: Collection[str] = (),
    ) -> tuple[Finding, ...]:
        """Mark the findings that are waived, and add what is wrong with the register.

        Args:
            findings: what the gates found.
            known_rules: ids of all rules; a map tells whether each may be waived.
            judged: the rules that looked at everything they are about, so that an entry for one
                of them that covers no finding is not needed any more.
        """
        used: set[Waiver] = set()
        marked = [self._mark(finding, used) for finding in findings]
        extra = list(self.refused)
        # Without a run of checkov none of its rules is known, and none of its findings there.
        scanned = any(rule.startswith(CHECKOV) for rule in known_rules)
        for waiver in self.waivers:
            if waiver.rule.startswith(CHECKOV) and not scanned:
                continue
            if waiver.rule not in known_rules:
                message = f"there is no rule {waiver.rule}"
                extra.append(UNKNOWN_RULE.about(self.file, waiver.line, message))
            elif isinstance(known_rules, Mapping) and not known_rules[waiver.rule]:
                message = f"nothing may waive {waiver.rule}"
                extra.append(NOT_WAIVABLE.about(self.file, waiver.line, message))
            elif waiver.rule in judged and waiver not in used:
                message = f"nothing that {waiver.rule} finds is called {waiver.resource}"
                extra.append(UNUSED.about(self.file, waiver.line, message))
        return (*marked, *extra)

    def _mark(self, finding: Finding, used: set[Waiver]) -> Finding:
        """A finding, with the entry that lasts longest of those that cover it."""
        covering = [waiver for waiver in self.waivers if waiver.covers(finding)]
        used.update(covering)
        if not covering or not finding.waivable:
            return finding
        waiver = max(covering, key=lambda entry: entry.expires)
        return replace(finding, waiver=waiver.ticket, days_left=waiver.days_left(self.today))


def _waiver(entry: Mapping[str, Any], line: int, today: date, file: str) -> Waiver | Finding:
    try:
        expires = date.fromisoformat(entry["expires"])
    except ValueError:
        # As expired: a day that does not exist never comes, and never passes.
        message = f"{entry['rule']} for {entry['resource']}: {entry['expires']} is no day"
        return EXPIRED.about(file, line, message)
    waiver = Waiver(
        rule=entry["rule"],
        resource=entry["resource"],
        unit=entry.get("unit", ""),
        owner=entry["owner"],
        reason=entry["reason"],
        expires=expires,
        ticket=entry["ticket"],
        line=line,
    )
    if expires < today:
        message = f"{waiver.rule} for {waiver.resource} expired on {expires} ({waiver.owner})"
        return EXPIRED.about(file, line, message)
    if expires > today + HORIZON:
        message = (
            f"{waiver.rule} for {waiver.resource} would last until {expires}, "
            f"{waiver.days_left(today)} days"
        )
        return TOO_LONG.about(file, line, message)
    return waiver


@functools.cache
def _validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))


def _faults(document: object) -> list[tuple[int | None, str]]:
    """What the schema says against it: the entry's number, None for all of it, and a message."""
    found = []
    for error in sorted(_validator().iter_errors(document), key=lambda it: list(map(str, it.path))):
        path = list(error.path)
        inside = len(path) > 1 and path[0] == "waivers" and isinstance(path[1], int)
        place = path[1] if inside and isinstance(path[1], int) else None
        where = ".".join(map(str, path)) or "the register"
        found.append((place, f"{where}: {error.message[:200]}"))
    return found


def _yaml(text: str) -> tuple[Any, Sequence[int]]:
    """A document of plain texts, and the lines of its entries.

    YAML would make dates of days and numbers of versions; a key that stands twice would hide one
    of its values; an alias could make a small file large.
    """
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if node is None:
        return None, ()
    lines: list[int] = []
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == "waivers" and isinstance(value, yaml.SequenceNode):
                lines = [entry.start_mark.line + 1 for entry in value.value]
    return _plain(node, set()), lines


def _plain(node: yaml.Node, seen: set[int]) -> Any:
    if id(node) in seen:
        raise ValueError("an alias: every entry stands for itself")
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Any] = {}
        for key, value in node.value:
            name = str(key.value)
            if name in found:
                raise ValueError(f"line {key.start_mark.line + 1}: {name} stands twice")
            found[name] = _plain(value, seen)
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_plain(value, seen) for value in node.value]
    return None if node.tag == "tag:yaml.org,2002:null" else node.value


def _matches(pattern: str, name: str) -> bool:
    """Whether a name is what a pattern says; only * is special, since [0] is part of addresses."""
    return _compiled(pattern).fullmatch(name) is not None


@functools.lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in re.split(r"\*+", pattern)), re.DOTALL)


def _shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name
