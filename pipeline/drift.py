"""Drift: where the world is no longer what the code says.

A plan with refresh tells two things: what changed since the last apply (``resource_drift``), and
what an apply would do now (``resource_changes``). Both are drift, except what is known noise.
https://developer.hashicorp.com/terraform/internals/json-format#plan-representation
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pipeline import markdown
from pipeline.errors import PipelineError
from pipeline.github import GitHub
from pipeline.model import PlannedUnit, UnitStatus
from pipeline.noise import Entry, Noise
from pipeline.redaction import ABSENT, Attribute, Secrets, attributes_of
from pipeline.report import printable, reason_of

VERSION = 1
"""Of the format of a drift report's file."""

LABEL = "drift"
_LABEL_COLOUR = "d93f0b"
_LABEL_WORDS = "The world is not what live/ says"
_SHOWN_LINES = 300
_EMPTY = {ABSENT, "false", "0", '""', "[]", "(map of 0)"}


class Kind(StrEnum):
    """How a resource differs."""

    CHANGED = "changed outside"
    GONE = "gone"
    UNAPPLIED = "not as the code says"
    EXTRA = "no longer in the code"


@dataclass(frozen=True, slots=True)
class Drifted:
    """A resource that differs.

    Attributes:
        address: Terraform's name for it.
        kind: how.
        attributes: where, as it may be shown; none when the resource itself is the difference.
    """

    address: str
    kind: Kind
    attributes: tuple[Attribute, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """A difference that is known noise.

    Attributes:
        address: the resource.
        attribute: what differs in it.
        reason: why that is well.
        owner: who says so.
        until: and until when, ``YYYY-MM-DD``.
    """

    address: str
    attribute: str
    reason: str
    owner: str
    until: str


@dataclass(frozen=True, slots=True)
class UnitDrift:
    """What a unit's plan says of drift.

    Attributes:
        unit: its path.
        drifted: what differs.
        known: what differs, and is known noise.
        unseen: why it could not be looked at; empty when it was.
    """

    unit: str
    drifted: tuple[Drifted, ...] = ()
    known: tuple[Known, ...] = ()
    unseen: str = ""


@dataclass(frozen=True, slots=True)
class DriftReport:
    """The drift of some units.

    Attributes:
        units: by path.
        expired: entries of the noise file that no longer count, in words.
    """

    units: tuple[UnitDrift, ...]
    expired: tuple[str, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Whether all units were looked at, and none has drifted."""
        return not any(unit.drifted or unit.unseen for unit in self.units)

    def to_document(self) -> dict[str, Any]:
        """In JSON's types; also what ``--json`` prints."""
        return {
            "version": VERSION,
            "clean": self.is_clean,
            "units": [
                {
                    "unit": unit.unit,
                    "unseen": unit.unseen,
                    "drifted": [
                        {
                            "address": one.address,
                            "kind": one.kind.value,
                            "attributes": [
                                {"name": entry.name, "before": entry.before, "after": entry.after}
                                for entry in one.attributes
                            ],
                        }
                        for one in unit.drifted
                    ],
                    "known": [
                        {
                            "address": one.address,
                            "attribute": one.attribute,
                            "reason": one.reason,
                            "owner": one.owner,
                            "until": one.until,
                        }
                        for one in unit.known
                    ],
                }
                for unit in self.units
            ],
            "expired": list(self.expired),
        }

    def to_bytes(self) -> bytes:
        """What a drift report's file holds."""
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
                raise PipelineError("the drift report is of another version")
            units = tuple(_unit(entry) for entry in document["units"])
            return cls(units, tuple(str(entry) for entry in document["expired"]))
        except (ValueError, KeyError, TypeError) as error:
            raise PipelineError(
                f"the drift report is malformed: {type(error).__name__}: {error}",
                hint="make drift writes one",
            ) from error


def find(
    units: Iterable[PlannedUnit], plans: Mapping[str, Mapping[str, Any]], noise: Noise
) -> DriftReport:
    """The drift of units that were planned with refresh.

    Args:
        units: what was looked at.
        plans: unit to its plan (``terraform show -json``).
        noise: what is known.
    """
    return DriftReport(
        tuple(_of(unit, plans.get(unit.path), noise) for unit in units),
        tuple(_words(entry) for entry in noise.expired),
    )


def render(report: DriftReport) -> RenderableType:
    """Tables: what drifted, what is known, what could not be looked at."""
    parts: list[RenderableType] = [_drift_table(report)]
    if any(unit.known for unit in report.units):
        parts += ["", _known_table(report)]
    parts += [f"expired: {printable(words)}" for words in report.expired]
    return Group(*parts)


def update_issues(github: GitHub, report: DriftReport) -> list[str]:
    """One issue for each unit that drifts: opened, kept up to date, closed once it is gone.

    A unit that could not be looked at keeps the issue that it has, as it is.

    Returns:
        What was done, a line each.
    """
    github.ensure_label(LABEL, _LABEL_COLOUR, _LABEL_WORDS)
    issues = [issue for issue in github.issues(LABEL) if issue.author == github.author]
    done: list[str] = []
    for unit in report.units:
        mark = _mark(unit.unit)
        # The newest of several, should two runs have raced.
        found = [issue for issue in issues if issue.body.startswith(mark)]
        issue = max(found, key=lambda one: (one.is_open, one.number), default=None)
        if unit.drifted:
            title, body = f"Drift: {unit.unit}", _issue(unit)
            if issue is None:
                number = github.open_issue(title, body, LABEL)
                done.append(f"opened #{number} for {unit.unit}")
            elif not issue.is_open or issue.body != body:
                github.edit_issue(issue.number, title=title, body=body, state="open")
                word = "updated" if issue.is_open else "opened again"
                done.append(f"{word} #{issue.number} for {unit.unit}")
        elif issue is not None and issue.is_open and not unit.unseen:
            github.add_comment(issue.number, "The drift is gone.")
            github.edit_issue(issue.number, state="closed", state_reason="completed")
            done.append(f"closed #{issue.number} for {unit.unit}")
    return done


def _of(unit: PlannedUnit, plan: Mapping[str, Any] | None, noise: Noise) -> UnitDrift:
    if unit.status in (UnitStatus.FAILED, UnitStatus.WAITING) or plan is None:
        reason = reason_of(unit) or "there is no plan of it"
        return UnitDrift(unit.path, unseen=f"{unit.status.value}: {reason}")
    secrets, explained = Secrets.of(plan), _Explained(plan)
    drifted: dict[str, Drifted] = {}
    known: dict[tuple[str, str], Known] = {}
    for one in (*_outside(plan, secrets), *_unapplied(plan, secrets)):
        left: list[Attribute] = []
        for attribute in one.attributes:
            key = (one.address, attribute.name)
            if (entry := noise.find(unit.path, *key)) is not None:
                known[key] = _known(*key, entry)
            elif one.kind is not Kind.CHANGED or not explained.by_its_own(*key):
                left.append(attribute)
        # What changed outside, and would be changed back, is one difference: the first tells more.
        if left or not one.attributes:
            drifted.setdefault(one.address, Drifted(one.address, one.kind, tuple(left)))
    return UnitDrift(unit.path, tuple(drifted.values()), tuple(known.values()))


def _outside(plan: Mapping[str, Any], secrets: Secrets) -> Iterator[Drifted]:
    for entry in plan.get("resource_drift") or ():
        change, address = entry["change"], secrets.scrub(str(entry["address"]))
        if change["actions"] == ["delete"]:
            yield Drifted(address, Kind.GONE)
            continue
        attributes = [one for one in attributes_of(change, secrets) if not _is_default(one)]
        if attributes:
            yield Drifted(address, Kind.CHANGED, tuple(attributes))


def _is_default(attribute: Attribute) -> bool:
    """Whether nothing became an empty value: what was not set, as AWS gives it back."""
    sides = {attribute.before, attribute.after}
    return ABSENT in sides and sides <= _EMPTY


def _unapplied(plan: Mapping[str, Any], secrets: Secrets) -> Iterator[Drifted]:
    for entry in plan.get("resource_changes") or ():
        change, address = entry["change"], secrets.scrub(str(entry["address"]))
        actions = change["actions"]
        if actions in (["no-op"], ["read"]):
            continue
        if actions == ["create"]:
            yield Drifted(address, Kind.GONE)
        elif "create" not in actions and "update" not in actions:
            yield Drifted(address, Kind.EXTRA)
        else:
            yield Drifted(address, Kind.UNAPPLIED, attributes_of(change, secrets))


class _Explained:
    """What a role shows of the resources that a unit itself attaches to it.

    A state holds what a role was when it was made, before anything was attached; the next plan
    sees it attached. That is no drift, as long as nothing else is: what changed in an attachment
    shows at the attachment.
    """

    def __init__(self, plan: Mapping[str, Any]) -> None:
        entries = plan.get("resource_drift") or ()
        self._after = {str(entry["address"]): entry["change"].get("after") for entry in entries}
        root = (plan.get("planned_values") or {}).get("root_module") or {}
        self._resources = tuple(_resources(root))

    def by_its_own(self, address: str, attribute: str) -> bool:
        """Whether an attribute shows resources of the unit, and nothing beside them."""
        after = self._after.get(address)
        if not isinstance(after, dict) or ".aws_iam_role." not in f".{address}":
            return False
        role, shown = after.get("name"), after.get(attribute)
        if not role or not isinstance(shown, list):
            return False
        match attribute:
            case "managed_policy_arns":
                return set(shown) <= self._of("aws_iam_role_policy_attachment", role, "policy_arn")
            case "inline_policy":
                names = {entry.get("name") for entry in shown if isinstance(entry, dict)}
                return names <= self._of("aws_iam_role_policy", role, "name")
        return False

    def _of(self, kind: str, role: str, field: str) -> set[Any]:
        return {
            values.get(field)
            for found, values in self._resources
            if found == kind and values.get("role") == role
        }


def _resources(module: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for resource in module.get("resources") or ():
        yield str(resource.get("type")), resource.get("values") or {}
    for child in module.get("child_modules") or ():
        yield from _resources(child)


def _known(address: str, attribute: str, entry: Entry) -> Known:
    return Known(address, attribute, entry.reason, entry.owner, entry.until.isoformat())


def _words(entry: Entry) -> str:
    return (
        f"{entry.attribute} of {entry.address} in {entry.unit}, until {entry.until}, {entry.owner}"
    )


def _drift_table(report: DriftReport) -> Table:
    table = _table("unit", "resource", "drift", last="attributes")
    for unit in report.units:
        if unit.unseen:
            table.add_row(
                Text(printable(unit.unit)), "", Text("not seen", "yellow"), printable(unit.unseen)
            )
        elif not unit.drifted:
            table.add_row(Text(printable(unit.unit)), "", Text("none", style="green"), "")
        for one in unit.drifted:
            table.add_row(
                Text(printable(unit.unit)),
                Text(printable(one.address)),
                Text(one.kind.value, style="bold red"),
                Text(printable(", ".join(_shown(entry) for entry in one.attributes))),
            )
    return table


def _known_table(report: DriftReport) -> Table:
    table = _table("known", "resource", "attribute", "owner", "until", last="reason")
    for unit in report.units:
        for one in unit.known:
            cells = (unit.unit, one.address, one.attribute, one.owner, one.until, one.reason)
            table.add_row(*(Text(printable(cell)) for cell in cells))
    return table


def _table(*columns: str, last: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, no_wrap=True)
    table.add_column(last, overflow="fold")
    return table


def _shown(attribute: Attribute) -> str:
    return f"{attribute.name}: {attribute.before} -> {attribute.after}"


def _mark(unit: str) -> str:
    return f"<!-- aws-api-gateway-mtls: drift of {unit} -->"


def _issue(unit: UnitDrift) -> str:
    """Without the time, so that an issue changes when the drift does, and not each night."""
    lines: list[str] = []
    for one in unit.drifted:
        lines.append(f"{one.address}: {one.kind.value}")
        lines += [f"    {_shown(entry)}" for entry in one.attributes]
    cut = len(lines) - _SHOWN_LINES
    shown = [line[:180] for line in lines[:_SHOWN_LINES]]
    more = [f"... and {cut} more lines: make drift shows them"] if cut > 0 else []
    environment = unit.unit.split("/")[2]
    return "\n".join(
        [
            _mark(unit.unit),
            f"The world is not what `live/{unit.unit}` says.",
            "",
            markdown.block([*shown, *more]),
            "",
            "Either the code is right: plan the environment and apply, as after any change "
            f"(`make plan ENV={environment}` shows what that does). Or the world is: change the "
            "code. A difference that has to stay is an entry in `live/drift-noise.yaml`.",
            "",
            "This issue is kept up to date, and closed once the drift is gone.",
        ]
    )


def _unit(entry: Mapping[str, Any]) -> UnitDrift:
    drifted: Sequence[Mapping[str, Any]] = entry["drifted"]
    return UnitDrift(
        str(entry["unit"]),
        tuple(
            Drifted(
                str(one["address"]),
                Kind(one["kind"]),
                tuple(
                    Attribute(str(at["name"]), str(at["before"]), str(at["after"]))
                    for at in one["attributes"]
                ),
            )
            for one in drifted
        ),
        tuple(
            Known(
                *(str(one[name]) for name in ("address", "attribute", "reason", "owner", "until"))
            )
            for one in entry["known"]
        ),
        str(entry["unseen"]),
    )
