"""What the steps of the pipeline tell each other: findings of the gates, and sets of plans.

A plan set is what people approve. Its digest is taken over bytes that do not depend on how long
anything took, and reading it back refuses whatever `PlanSet.to_bytes` would not have written.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Self

from pipeline.errors import PipelineError

__all__ = [
    "COMMIT",
    "DIGEST",
    "MOMENT",
    "SCOPE",
    "UNIT_PATH",
    "Counts",
    "Finding",
    "FindingKind",
    "PlanSet",
    "PlannedUnit",
    "Severity",
    "Source",
    "UnitStatus",
    "digest_of",
]

VERSION = 1
"""Of the format of a plan set."""

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
"""What names a set, and a file beside it."""
COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
"""A commit or a tree of Git."""
MOMENT = "%Y-%m-%dT%H:%M:%SZ"
"""How a moment in UTC is written: RFC 3339, to the second."""
_NAME = r"[A-Za-z0-9][A-Za-z0-9_-]*"
UNIT_PATH = re.compile(rf"{_NAME}/{_NAME}/{_NAME}/{_NAME}")
"""``<account>/<region>/<environment>/<name>``: it becomes part of file names and object keys."""
SCOPE = re.compile(rf"{_NAME}(/{_NAME})?")
"""``dev``, or ``non-prod/account``."""


class Severity(StrEnum):
    """How bad a finding is."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class FindingKind(StrEnum):
    """What a rule decided; undecided is never allowed, only not known yet."""

    DENY = "deny"
    WARN = "warn"
    UNDECIDED = "undecided"


class Source(StrEnum):
    """Which scanner the rule belongs to."""

    OPA = "opa"
    CHECKOV = "checkov"
    PIPELINE = "pipeline"
    """What the pipeline itself refuses, with no rule to be read in policies/."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a gate has to say about one resource or one file.

    Attributes:
        rule: the rule's id.
        kind: what it decided.
        severity: how bad that is.
        source: whose rule it is.
        title: the rule's title.
        unit: path of the unit; empty when it is about no unit.
        address: the resource, or the file.
        message: what is wrong, a sentence.
        remedy: what to do about it.
        link: where to read on.
        file: relative to the repository; empty when it is about no file.
        line: 0 when there is none.
        waivable: whether the register of waivers may allow it.
        waiver: ticket of the entry that does; None when none does.
        days_left: of that entry.
    """

    rule: str
    kind: FindingKind
    severity: Severity
    source: Source
    title: str
    unit: str
    address: str
    message: str
    remedy: str
    link: str
    file: str = ""
    line: int = 0
    waivable: bool = True
    waiver: str | None = None
    days_left: int | None = None

    def to_json(self) -> dict[str, object]:
        """As a JSON document."""
        return {
            field.name: str(value) if isinstance(value, StrEnum) else value
            for field in fields(self)
            for value in [getattr(self, field.name)]
        }


class UnitStatus(StrEnum):
    """What a plan found out about a unit."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    WAITING = "waiting"
    """Something that it depends on has to be applied first."""
    FAILED = "failed"
    REMOVED = "removed"
    """Its folder is gone; its resources are not."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many resources a plan touches, a replacement counted once.

    What Terraform is to forget counts as destroyed: it is lost to the code, and a sum without it
    would say that nothing goes. An import or a move alone makes and changes nothing, and counts
    as nothing here; `pipeline.redaction` tells of both.
    """

    add: int = 0
    change: int = 0
    destroy: int = 0
    replace: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.add + self.change + self.destroy + self.replace

    @classmethod
    def of(cls, plan: Mapping[str, Any]) -> Self:
        """Count in a plan's JSON; reading data and doing nothing are no changes.

        https://developer.hashicorp.com/terraform/internals/json-format#change-representation
        """
        found = dict.fromkeys(("add", "change", "destroy", "replace"), 0)
        names = {
            ("create",): "add",
            ("update",): "change",
            ("delete",): "destroy",
            ("delete", "create"): "replace",
            ("create", "delete"): "replace",
            ("forget",): "destroy",
            ("create", "forget"): "replace",
        }
        for resource in plan.get("resource_changes", ()):
            name = names.get(tuple(resource["change"]["actions"]))
            if name is not None:
                found[name] += 1
        return cls(**found)

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.add + other.add,
            self.change + other.change,
            self.destroy + other.destroy,
            self.replace + other.replace,
        )


@dataclass(frozen=True, slots=True)
class PlannedUnit:
    """A unit in a plan set.

    Attributes:
        path: below ``live/``.
        status: what the plan found out.
        counts: what it would do.
        plan_sha256: digest of the file ``tfplan``; None when there is no plan.
        json_sha256: digest of ``tfplan.json``.
        semantics: digest of what the plan means; see `pipeline.semantics`.
        waits_for: paths of the units that have to be applied first.
        reason: why it was selected, or why there is no plan.
        seconds: how long it took; not part of the set's digest.
    """

    path: str
    status: UnitStatus
    counts: Counts = Counts()
    plan_sha256: str | None = None
    json_sha256: str | None = None
    semantics: str | None = None
    waits_for: tuple[str, ...] = ()
    reason: str = ""
    seconds: float = 0.0

    def to_json(self) -> dict[str, object]:
        """As a JSON document, without the time it took."""
        return {
            "path": self.path,
            "status": str(self.status),
            "counts": {field.name: getattr(self.counts, field.name) for field in fields(Counts)},
            "plan_sha256": self.plan_sha256,
            "json_sha256": self.json_sha256,
            "semantics": self.semantics,
            "waits_for": list(self.waits_for),
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class PlanSet:
    """The plans of one scope: what is reviewed, approved and applied together.

    Attributes:
        repository: owner and name.
        scope: ``dev``, or ``non-prod/account``.
        account: the account's name.
        environment: the environment's name, or ``account``, ``ca``.
        base: the commit that the change is seen from; empty when all of a scope was planned.
        head: the commit that was planned.
        tree: its git tree: what has to be checked out when the set is applied.
        destroy: whether these plans destroy.
        units: by path.
        created_at: RFC 3339, UTC.
        version: of the format.
    """

    repository: str
    scope: str
    account: str
    environment: str
    base: str
    head: str
    tree: str
    destroy: bool
    units: tuple[PlannedUnit, ...]
    created_at: str
    version: int = VERSION

    def to_bytes(self) -> bytes:
        """The one way to write it."""
        document = {field.name: getattr(self, field.name) for field in fields(self)}
        document["units"] = [unit.to_json() for unit in self.units]
        text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return text.encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Read what `to_bytes` wrote.

        Raises:
            PipelineError: it is anything else.
        """
        try:
            found = _Reader("plan set", json.loads(content))
        except ValueError as error:
            raise PipelineError(f"plan set: no JSON: {error}") from error
        if found.take("version", int) != VERSION:
            raise PipelineError("plan set: of another version", hint="plan again")
        plan_set = cls(
            repository=found.take("repository", str),
            scope=found.text("scope", SCOPE),
            account=found.take("account", str),
            environment=found.take("environment", str),
            base=found.text("base", COMMIT)
            if found.peek("base") != ""
            else found.take("base", str),
            head=found.text("head", COMMIT),
            tree=found.text("tree", COMMIT),
            destroy=found.take("destroy", bool),
            units=found.each("units", _unit),
            created_at=found.take("created_at", str),
        )
        found.nothing_else()
        paths = [unit.path for unit in plan_set.units]
        if paths != sorted(set(paths)):
            raise PipelineError("plan set: units must be sorted, each of them once")
        return plan_set

    @property
    def digest(self) -> str:
        """What an approval names."""
        return digest_of(self.to_bytes())

    def unit(self, path: str) -> PlannedUnit | None:
        """A unit by its path."""
        return next((unit for unit in self.units if unit.path == path), None)


def digest_of(content: bytes) -> str:
    """``sha256:`` and the digest in hex."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class _Reader:
    """A JSON object, read field by field, so that nothing unknown goes unnoticed."""

    def __init__(self, name: str, document: object) -> None:
        if not isinstance(document, dict):
            raise PipelineError(f"{name}: expected an object")
        self._name = name
        self._left: dict[str, Any] = dict(document)

    def peek(self, key: str) -> object:
        return self._left.get(key)

    def take[T](self, key: str, kind: type[T]) -> T:
        if key not in self._left:
            raise PipelineError(f"{self._name}: {key} is missing")
        value = self._left.pop(key)
        if type(value) is not kind:  # a bool is an int, and not meant
            raise PipelineError(f"{self._name}: {key}: expected {kind.__name__}")
        return value

    def text(self, key: str, pattern: re.Pattern[str]) -> str:
        value = self.take(key, str)
        if not pattern.fullmatch(value):
            raise PipelineError(f"{self._name}: {key}: {value!r} is none")
        return value

    def digest(self, key: str) -> str | None:
        if key in self._left and self._left[key] is None:
            del self._left[key]
            return None
        return self.text(key, DIGEST)

    def each[T](self, key: str, read: Callable[[object], T]) -> tuple[T, ...]:
        return tuple(read(entry) for entry in self.take(key, list))

    def nothing_else(self) -> None:
        if self._left:
            raise PipelineError(f"{self._name}: unknown: {', '.join(sorted(self._left))}")


def _unit(document: object) -> PlannedUnit:
    found = _Reader("plan set: unit", document)
    status = found.take("status", str)
    if status not in set(UnitStatus):
        raise PipelineError(f"plan set: unit: status: {status!r} is none")
    counts = _Reader("plan set: unit: counts", found.take("counts", dict))
    unit = PlannedUnit(
        path=found.text("path", UNIT_PATH),
        status=UnitStatus(status),
        counts=Counts(**{field.name: counts.take(field.name, int) for field in fields(Counts)}),
        plan_sha256=found.digest("plan_sha256"),
        json_sha256=found.digest("json_sha256"),
        semantics=found.digest("semantics"),
        waits_for=_paths(found.take("waits_for", list)),
        reason=found.take("reason", str),
    )
    counts.nothing_else()
    found.nothing_else()
    return unit


def _paths(entries: Sequence[object]) -> tuple[str, ...]:
    for entry in entries:
        if not isinstance(entry, str) or not UNIT_PATH.fullmatch(entry):
            raise PipelineError(f"plan set: unit: waits_for: {entry!r} is no unit")
    return tuple(str(entry) for entry in entries)
