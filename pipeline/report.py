"""What a run found, for people (tables), for scripts (JSON) and for the commands after it.

A report holds nothing that may not be shown: changes come from :mod:`pipeline.redaction`, findings
without what a plan marks as sensitive. So its file may be kept where others can read it.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, Self

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from pipeline import redaction
from pipeline.errors import PipelineError
from pipeline.model import (
    Finding,
    FindingKind,
    PlannedUnit,
    PlanSet,
    Severity,
    Source,
    UnitStatus,
)
from pipeline.redaction import Action, Change, Secrets

VERSION = 1
"""Of the format of a report's file."""

_NO_EDGE = 10_000
"""Width of what is no terminal."""

_SEVERITIES = tuple(Severity)
_KINDS = (FindingKind.DENY, FindingKind.UNDECIDED, FindingKind.WARN)

_STATUS_STYLES = {
    UnitStatus.CHANGED: "yellow",
    UnitStatus.UNCHANGED: "dim",
    UnitStatus.WAITING: "cyan",
    UnitStatus.FAILED: "bold red",
    UnitStatus.REMOVED: "magenta",
}
_BESIDE = {
    Action.IMPORT: "imported",
    Action.MOVE: "moved",
    Action.FORGET: "forgotten",
}
"""What no column counts as what it is."""

_KIND_STYLES = {
    FindingKind.DENY: "bold red",
    FindingKind.UNDECIDED: "yellow",
    FindingKind.WARN: "yellow",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that a run of the gates and of plan has to say.

    Attributes:
        sets: the plan sets, one a scope.
        findings: of every gate, the waived ones too.
        blocking: those for which the gate refuses.
        changes: unit to what its plan does, as it may be shown.
    """

    sets: tuple[PlanSet, ...] = ()
    findings: tuple[Finding, ...] = ()
    blocking: tuple[Finding, ...] = ()
    changes: Mapping[str, tuple[Change, ...]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        sets: Iterable[PlanSet],
        findings: Iterable[Finding],
        blocking: Iterable[Finding],
        plans: Mapping[str, Mapping[str, Any]],
    ) -> Self:
        """A report on plans (unit to ``terraform show -json``), without what is secret in any."""
        secrets = Secrets()
        for plan in plans.values():
            secrets |= Secrets.of(plan)
        return cls(
            sets=tuple(sets),
            findings=redaction.scrub_findings(findings, secrets),
            blocking=redaction.scrub_findings(blocking, secrets),
            changes={unit: redaction.summarise(plan) for unit, plan in sorted(plans.items())},
        )

    @property
    def units(self) -> tuple[PlannedUnit, ...]:
        """The units of every set."""
        return tuple(chain.from_iterable(plan_set.units for plan_set in self.sets))

    @property
    def passed(self) -> bool:
        """Whether the gates let it through and every plan could be made."""
        return not self.blocking and not any(
            unit.status is UnitStatus.FAILED for unit in self.units
        )

    @property
    def waived(self) -> tuple[Finding, ...]:
        """The findings that an entry of the register allows, the one that ends first in front."""
        waived = [finding for finding in self.findings if _is_waived(finding)]
        return tuple(sorted(waived, key=lambda finding: (finding.days_left or 0, finding.rule)))

    @property
    def open(self) -> tuple[Finding, ...]:
        """The findings that nothing allows: those that block first, then by severity."""
        blocking = frozenset(self.blocking)
        return tuple(
            sorted(
                (finding for finding in self.findings if not _is_waived(finding)),
                key=lambda finding: (finding not in blocking, *_weight(finding)),
            )
        )

    @property
    def findings_by_unit(self) -> Counter[str]:
        """How many findings are open about each unit."""
        return Counter(finding.unit for finding in self.findings if not _is_waived(finding))

    def beside_counts(self, unit: str) -> str:
        """How many of a unit's resources only the state is told of; empty for none."""
        counted = Counter(change.action for change in self.changes.get(unit, ()))
        return ", ".join(
            f"{counted[action]} {word}" for action, word in _BESIDE.items() if counted[action]
        )

    def status_of(self, unit: PlannedUnit) -> str:
        """A unit's status, with what its numbers do not tell."""
        beside = self.beside_counts(unit.path)
        return f"{unit.status.value} ({beside})" if beside else unit.status.value

    def to_document(self) -> dict[str, Any]:
        """In JSON's types; also what ``--json`` prints."""
        blocking = frozenset(self.blocking)
        return {
            "version": VERSION,
            "passed": self.passed,
            "sets": [
                {
                    "digest": plan_set.digest,
                    "seconds": {unit.path: round(unit.seconds, 2) for unit in plan_set.units},
                    "set": json.loads(plan_set.to_bytes()),
                }
                for plan_set in self.sets
            ],
            "findings": [
                finding.to_json() | {"blocking": finding in blocking}
                for finding in (*self.open, *self.waived)
            ],
            "changes": {
                unit: [change.to_document() for change in changes]
                for unit, changes in self.changes.items()
            },
        }

    def to_bytes(self) -> bytes:
        """What a report's file holds."""
        return f"{json.dumps(self.to_document(), indent=2, ensure_ascii=False)}\n".encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Read what :meth:`to_bytes` wrote.

        Raises:
            PipelineError: it is anything else.
        """
        try:
            document = json.loads(content)
            if document["version"] != VERSION:
                raise PipelineError("the report is of another version", hint="plan again")
            entries = [(_finding(entry), entry["blocking"]) for entry in document["findings"]]
            return cls(
                sets=tuple(_plan_set(entry) for entry in document["sets"]),
                findings=tuple(finding for finding, _ in entries),
                blocking=tuple(finding for finding, blocking in entries if blocking),
                changes={
                    unit: tuple(Change.from_document(change) for change in changes)
                    for unit, changes in document["changes"].items()
                },
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise PipelineError(
                f"the report is malformed: {type(error).__name__}: {error}",
                hint="make plan writes one, with SUMMARY=FILE",
            ) from error


def output() -> Console:
    """Standard output: no colour and no edge where it is no terminal."""
    console = Console(highlight=False, markup=False, emoji=False)
    if console.is_terminal:
        return console
    return Console(highlight=False, markup=False, emoji=False, width=_NO_EDGE)


def render(report: Report) -> RenderableType:
    """The tables: units, findings, waivers, and each set's digest."""
    parts: list[RenderableType] = []
    if report.sets:
        parts.append(units_table(report))
    if report.open:
        parts += ["", findings_table(report)]
    if report.waived:
        parts += ["", waivers_table(report)]
    if report.sets:
        parts += ["", digests_table(report)]
    return Group(*parts)


def units_table(report: Report) -> Table:
    """Unit, what its plan does, findings, time; and the sum."""
    table = _table("unit", "status")
    for name in ("add", "change", "destroy", "replace", "findings", "time"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("reason")
    findings = report.findings_by_unit
    for unit in report.units:
        counts = unit.counts
        found = findings[unit.path]
        numbers = (counts.add, counts.change, counts.destroy, counts.replace)
        table.add_row(
            Text(printable(unit.path)),
            Text(report.status_of(unit), style=_STATUS_STYLES[unit.status]),
            *(Text(str(number) if number else "-") for number in numbers),
            Text(str(found) if found else "-", style="bold red" if found else ""),
            Text(f"{unit.seconds:.1f} s"),
            Text(printable(reason_of(unit))),
        )
    table.add_section()
    total = [unit.counts for unit in report.units]
    table.add_row(
        Text(f"{len(report.units)} units", style="bold"),
        "",
        *(
            Text(str(sum(getattr(counts, name) for counts in total)), style="bold")
            for name in ("add", "change", "destroy", "replace")
        ),
        Text(str(len(report.open)), style="bold"),
        Text(f"{sum(unit.seconds for unit in report.units):.1f} s", style="bold"),
        "",
    )
    return table


def findings_table(report: Report) -> Table:
    """What the gates say: rule, where, what, and what to do about it."""
    table = _table("finding", "rule", "severity", "where")
    table.add_column("what", overflow="fold")
    blocking = frozenset(report.blocking)
    for finding in report.open:
        blocks = finding in blocking
        words = printable(finding.message or finding.title)
        remedy = f"\n{printable(finding.remedy)}" if finding.remedy else ""
        link = f"\n{printable(finding.link)}" if finding.link else ""
        table.add_row(
            Text(
                finding.kind.value if blocks else f"{finding.kind.value}, shown",
                style=_KIND_STYLES[finding.kind] if blocks else "yellow",
            ),
            Text(printable(finding.rule)),
            Text(finding.severity.value),
            Text(printable(where(finding))),
            Text.assemble(words, (remedy, "dim"), (link, "dim")),
        )
    return table


def waivers_table(report: Report) -> Table:
    """What the register allows, and for how long."""
    table = _table("waived", "ticket", "days left")
    table.add_column("where")
    for finding in report.waived:
        days = finding.days_left
        table.add_row(
            Text(printable(finding.rule)),
            Text(printable(finding.waiver or "")),
            Text("-" if days is None else str(days), style="yellow" if (days or 0) <= 7 else ""),
            Text(printable(where(finding))),
        )
    return table


def digests_table(report: Report) -> Table:
    """What an approval of each scope has to name."""
    table = _table("scope", "digest of its plans")
    for plan_set in report.sets:
        table.add_row(Text(printable(plan_set.scope)), Text(plan_set.digest))
    return table


def where(finding: Finding) -> str:
    """Where a finding is, for a reader: file and line, or unit and address."""
    if finding.file:
        place = f"{finding.file}:{finding.line}" if finding.line else finding.file
        return place if finding.address in ("", finding.file) else f"{place} {finding.address}"
    return f"{finding.unit} {finding.address}".strip()


def reason_of(unit: PlannedUnit) -> str:
    """Why a unit is as it is, in one line."""
    if unit.status is UnitStatus.WAITING and unit.waits_for:
        return f"for {', '.join(unit.waits_for)}"
    return " ".join(unit.reason.split()) if unit.status is not UnitStatus.UNCHANGED else ""


def printable(text: str) -> str:
    """Control characters as escapes: what a plan holds must not command a terminal."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, no_wrap=True)
    return table


def _is_waived(finding: Finding) -> bool:
    """As the verdict sees it: what cannot be waived is not, whatever an entry says."""
    return finding.waiver is not None and finding.waivable


def _weight(finding: Finding) -> Sequence[object]:
    return (
        _KINDS.index(finding.kind),
        _SEVERITIES.index(finding.severity),
        finding.rule,
        finding.unit,
        finding.file,
        finding.line,
        finding.address,
    )


def _plan_set(entry: Mapping[str, Any]) -> PlanSet:
    plan_set = PlanSet.from_bytes(json.dumps(entry["set"]).encode())
    if plan_set.digest != entry["digest"]:
        raise ValueError(f"{plan_set.scope}: its digest is another one")
    seconds: Mapping[str, float] = entry["seconds"]
    units = (replace(unit, seconds=float(seconds[unit.path])) for unit in plan_set.units)
    return replace(plan_set, units=tuple(units))


def _finding(entry: Mapping[str, Any]) -> Finding:
    days_left, waiver = entry["days_left"], entry["waiver"]
    return Finding(
        rule=str(entry["rule"]),
        kind=FindingKind(entry["kind"]),
        severity=Severity(entry["severity"]),
        source=Source(entry["source"]),
        title=str(entry["title"]),
        unit=str(entry["unit"]),
        address=str(entry["address"]),
        message=str(entry["message"]),
        remedy=str(entry["remedy"]),
        link=str(entry["link"]),
        file=str(entry["file"]),
        line=int(entry["line"]),
        waivable=bool(entry["waivable"]),
        waiver=None if waiver is None else str(waiver),
        days_left=None if days_left is None else int(days_left),
    )
