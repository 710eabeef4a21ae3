"""What of a plan may be shown: to people, in a log, in a comment, in a file that others can read.

A plan holds secrets in the clear, and marks them beside the values (``before_sensitive`` and
``after_sensitive``): a mark at any prefix of a path hides all below it. That is not enough:
providers forget marks, and what is marked in one place may stand in another without. So a value is
shown only when nothing speaks against it, and what is marked anywhere is blotted out everywhere.
https://developer.hashicorp.com/terraform/internals/json-format#change-representation
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self

from pipeline.model import Finding

HIDDEN = "(hidden)"
"""Stands for a value that is not shown."""

UNKNOWN = "(known after apply)"
"""Stands for a value that Terraform does not know yet."""

ABSENT = "(none)"
"""Stands for a value that is not there."""

_MAXIMUM_VALUE = 80
_SHORTEST_SECRET = 5
"""Shorter ones are hidden where they are marked; sought everywhere, they would blot out words."""

_SECRET_NAME = re.compile(
    r"passw|passphrase|secret|token|credential|private_?key|api_?key|access_?key|auth_?key|hmac|pepper"
    r"|\bpin\b|session_?key|signing_?key|connection_?string|\bseed\b|cookie|otp",
    re.IGNORECASE,
)
_FREE_TEXT = frozenset(
    {
        *("body", "code", "content", "content_base64", "data", "definition", "environment"),
        *("input", "payload", "result", "secret_binary", "source_code", "template_body"),
        *("triggers", "user_data", "user_data_base64", "value", "values", "variables"),
    }
)
"""Attributes whose content is anybody's: an environment's variables, a document, a parameter."""

_SECRET_TEXT = re.compile(
    r"-----BEGIN|\b(?:AKIA|ASIA)[0-9A-Z]{12,}|\beyJ[\w-]{8,}\.|\bgh[pousr]_\w{20,}"
    r"|\bxox[abpr]-|://[^/\s:@]+:[^/\s@]+@"
)
_RANDOM_TEXT = re.compile(r"[A-Za-z0-9+/_=-]{32,}")
_DIGEST = re.compile(r"(?:sha\d+:)?[0-9a-f]{32,128}")


class Action(StrEnum):
    """What a plan does to a resource, or to what the state knows of it."""

    IMPORT = "import"
    """An object that exists comes into this state; what is done to it besides is told beside it."""
    MOVE = "move"
    """Its address in the state becomes another."""
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    REPLACE = "replace"
    FORGET = "forget"


_ACTIONS: dict[tuple[str, ...], Action] = {
    ("create",): Action.CREATE,
    ("update",): Action.UPDATE,
    ("delete",): Action.DELETE,
    ("delete", "create"): Action.REPLACE,
    ("create", "delete"): Action.REPLACE,
    ("forget",): Action.FORGET,
    ("create", "forget"): Action.REPLACE,
}


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute that changes, as it may be shown.

    Attributes:
        name: its path, such as ``policy`` or ``tags.Name``.
        before: the value before, or what stands for it.
        after: the value after, or what stands for it.
        forces_replacement: whether the resource is made anew because of it.
    """

    name: str
    before: str
    after: str
    forces_replacement: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """What a plan does to one resource.

    Attributes:
        address: Terraform's name for it.
        action: what is done.
        attributes: what changes in it.
    """

    address: str
    action: Action
    attributes: tuple[Attribute, ...]

    def to_document(self) -> dict[str, Any]:
        """In JSON's types."""
        return {
            "address": self.address,
            "action": self.action.value,
            "attributes": [
                {
                    "name": entry.name,
                    "before": entry.before,
                    "after": entry.after,
                    "forces_replacement": entry.forces_replacement,
                }
                for entry in self.attributes
            ],
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_document` wrote.

        Raises:
            KeyError, TypeError, ValueError: it is anything else.
        """
        return cls(
            str(document["address"]),
            Action(document["action"]),
            tuple(
                Attribute(
                    str(entry["name"]),
                    str(entry["before"]),
                    str(entry["after"]),
                    forces_replacement=bool(entry["forces_replacement"]),
                )
                for entry in document["attributes"]
            ),
        )


class Secrets:
    """What a plan marks as sensitive, to be found again wherever else it stands."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        """Keep the values that are long enough to be looked for."""
        found = {form for value in values for form in _forms(value)}
        kept = sorted((one for one in found if len(one) >= _SHORTEST_SECRET), key=len, reverse=True)
        self._values: frozenset[str] = frozenset(kept)
        self._pattern = re.compile("|".join(map(re.escape, kept))) if kept else None

    @classmethod
    def of(cls, plan: Mapping[str, Any]) -> Self:
        """Everything that a plan's JSON marks."""
        return cls(_leaves_text(_marked(plan)))

    def __or__(self, other: "Secrets") -> "Secrets":
        return Secrets(self._values | other._values)

    def scrub(self, text: str) -> str:
        """The text, with each secret in it blotted out."""
        return self._pattern.sub(HIDDEN, text) if self._pattern else text

    def occur_in(self, text: str) -> bool:
        """Whether a secret stands in the text."""
        return bool(self._pattern and self._pattern.search(text))


def summarise(plan: Mapping[str, Any]) -> tuple[Change, ...]:
    """What a plan (``terraform show -json``) does, without its secrets.

    Outputs are listed by name, as ``output.<name>``.
    """
    secrets = Secrets.of(plan)
    found: list[Change] = []
    for entry in _list(plan.get("resource_changes")):
        found += _changes(entry, secrets)
    return (*found, *_outputs(plan, secrets))


def scrub_findings(findings: Iterable[Finding], secrets: Secrets) -> tuple[Finding, ...]:
    """The findings, without the secrets that a policy's words may quote from a plan."""
    return tuple(
        replace(
            finding,
            address=secrets.scrub(finding.address),
            message=secrets.scrub(finding.message),
            remedy=secrets.scrub(finding.remedy),
            title=secrets.scrub(finding.title),
        )
        for finding in findings
    )


def attributes_of(change: Mapping[str, Any], secrets: Secrets) -> tuple[Attribute, ...]:
    """What differs between a change's ``before`` and ``after``, as it may be shown."""
    marks = (change.get("before_sensitive"), change.get("after_sensitive"))
    forced = {
        _dotted(path) for path in _list(change.get("replace_paths")) if isinstance(path, list)
    }
    found = _differences(
        change.get("before"), change.get("after"), change.get("after_unknown"), marks, ()
    )
    return tuple(
        Attribute(
            secrets.scrub(_dotted(difference.path)),
            difference.shown(difference.before, secrets),
            UNKNOWN if difference.unknown else difference.shown(difference.after, secrets),
            forces_replacement=_dotted(difference.path) in forced,
        )
        for difference in found
    )


@dataclass(frozen=True, slots=True)
class _Difference:
    path: tuple[object, ...]
    before: Any
    after: Any
    unknown: bool
    hidden: bool

    def shown(self, value: Any, secrets: Secrets) -> str:
        if value is None:
            return ABSENT
        if self.hidden or not _names_are_safe(self.path):
            return HIDDEN
        return _shown(value, secrets)


def _changes(entry: Mapping[str, Any], secrets: Secrets) -> Iterator[Change]:
    """What is done to a resource; an import and a move stand for themselves, before the rest."""
    change = entry.get("change") or {}
    address = secrets.scrub(str(entry.get("address")))
    if (importing := change.get("importing")) is not None:
        yield Change(address, Action.IMPORT, (Attribute("id", ABSENT, _id(importing, secrets)),))
    if previous := entry.get("previous_address"):
        moved = Attribute("address", secrets.scrub(str(previous)), address)
        yield Change(address, Action.MOVE, (moved,))
    action = _ACTIONS.get(tuple(change.get("actions") or ()))
    if action is not None:
        yield Change(address, action, attributes_of(change, secrets))


def _id(importing: object, secrets: Secrets) -> str:
    """What is imported: an id, or an identity of several parts, or not known yet."""
    found = importing if isinstance(importing, dict) else {}
    if found.get("unknown"):
        return UNKNOWN
    value = found.get("id") or found.get("identity")
    return ABSENT if value is None else _shown(value, secrets)


def _outputs(plan: Mapping[str, Any], secrets: Secrets) -> Iterator[Change]:
    changes = plan.get("output_changes")
    if not isinstance(changes, dict):
        return
    for name, change in sorted(changes.items()):
        action = _ACTIONS.get(tuple(change.get("actions") or ()))
        if action is not None:
            # By name alone: what an output holds is its readers' business.
            yield Change(secrets.scrub(f"output.{name}"), action, ())


def _differences(
    before: Any, after: Any, unknown: Any, marks: Sequence[Any], path: tuple[object, ...]
) -> Iterator[_Difference]:
    hidden = any(mark is True for mark in marks)
    names = None if hidden or unknown is True else _parts(before, after, unknown)
    if names is not None:
        for name in names:
            yield from _differences(
                _at(before, name),
                _at(after, name),
                _at(unknown, name),
                [_at(mark, name) for mark in marks],
                (*path, name),
            )
        return
    differs = before != after or unknown is True or _holds_true(unknown)
    if differs:
        yield _Difference(
            path,
            before,
            after,
            unknown=unknown is True or (_holds_true(unknown) and after is None),
            hidden=hidden or any(_holds_true(mark) for mark in marks),
        )


def _parts(before: Any, after: Any, unknown: Any) -> list[Any] | None:
    """The names or numbers of what lies within both sides; None when they are looked at whole."""
    sides = [side for side in (before, after) if side is not None]
    if all(isinstance(side, dict) for side in sides) and (sides or isinstance(unknown, dict)):
        names = {name for side in sides for name in side}
        names |= set(unknown) if isinstance(unknown, dict) else set()
        return sorted(names, key=str)
    if len(sides) == 2 and all(_is_blocks(side) for side in sides) and len(before) == len(after):
        return list(range(len(before)))
    return None


def _is_blocks(value: Any) -> bool:
    """Whether it is a list of blocks, which are compared one by one."""
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _names_are_safe(path: Sequence[object]) -> bool:
    names = [str(part).lower() for part in path]
    return not any(name in _FREE_TEXT or _SECRET_NAME.search(name) for name in names)


def _shown(value: Any, secrets: Secrets) -> str:
    """A value that nothing marks: still only what is short and looks like no secret."""
    match value:
        case bool() | int() | float():
            return secrets.scrub(json.dumps(value))
        case str():
            return _shown_text(value, secrets)
        case list() if len(value) <= 8 and all(isinstance(entry, str | int) for entry in value):
            shown = [_shown(entry, secrets) for entry in value]
            text = f"[{', '.join(shown)}]"
            return text if len(text) <= _MAXIMUM_VALUE and HIDDEN not in text else _size(value)
        case _:
            return _size(value)


def _shown_text(text: str, secrets: Secrets) -> str:
    if secrets.occur_in(text) or _SECRET_TEXT.search(text):
        return HIDDEN
    random = _RANDOM_TEXT.search(text)
    if random and not _DIGEST.fullmatch(random[0]) and _mixed(random[0]):
        return HIDDEN
    if len(text) > _MAXIMUM_VALUE or "\n" in text:
        return _size(text)
    return json.dumps(text, ensure_ascii=False)


def _mixed(text: str) -> bool:
    """Whether letters of both cases and digits stand together, as in a key and not in a name."""
    return (
        any(c.islower() for c in text)
        and any(c.isupper() for c in text)
        and any(c.isdigit() for c in text)
    )


def _size(value: Any) -> str:
    match value:
        case str():
            return f"(text of {len(value)} characters)"
        case list():
            return f"(list of {len(value)})"
        case dict():
            return f"(map of {len(value)})"
    return HIDDEN


def _marked(plan: Mapping[str, Any]) -> Iterator[Any]:
    """Each value that the plan marks as sensitive, wherever the mark stands."""
    entries = [*_list(plan.get("resource_changes")), *_list(plan.get("resource_drift"))]
    changes = [entry.get("change") for entry in entries]
    changes += list((plan.get("output_changes") or {}).values())
    for change in filter(None, changes):
        for side in ("before", "after"):
            # Secret on one side is secret on the other: a mark comes and goes with its value.
            for mark in ("before_sensitive", "after_sensitive"):
                yield from _masked(change.get(side), change.get(mark))
    yield from _marked_states(plan)
    yield from _marked_variables(plan)


def _marked_states(plan: Mapping[str, Any]) -> Iterator[Any]:
    prior = (plan.get("prior_state") or {}).get("values") or {}
    for values in (plan.get("planned_values") or {}, prior):
        for output in (values.get("outputs") or {}).values():
            if output.get("sensitive"):
                yield output.get("value")
        yield from _marked_module(values.get("root_module") or {})


def _marked_module(module: Mapping[str, Any]) -> Iterator[Any]:
    for resource in _list(module.get("resources")):
        yield from _masked(resource.get("values"), resource.get("sensitive_values"))
    for child in _list(module.get("child_modules")):
        yield from _marked_module(child)


def _marked_variables(plan: Mapping[str, Any]) -> Iterator[Any]:
    root = (plan.get("configuration") or {}).get("root_module") or {}
    declared = root.get("variables") or {}
    given = plan.get("variables") or {}
    for name, variable in declared.items():
        if variable.get("sensitive"):
            yield (given.get(name) or {}).get("value")
            yield variable.get("default")


def _masked(value: Any, mark: Any) -> Iterator[Any]:
    match mark:
        case True:
            yield value
        case dict():
            for name, below in mark.items():
                yield from _masked(_at(value, name), below)
        case list() if isinstance(value, list):
            for entry, below in zip(value, mark, strict=False):
                yield from _masked(entry, below)


def _leaves_text(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        match value:
            case bool() | None:
                continue
            case str():
                yield value
            case int() | float():
                yield json.dumps(value)
            case dict():
                yield from _leaves_text(value.values())
            case list():
                yield from _leaves_text(value)


def _forms(secret: str) -> set[str]:
    """A secret as it may be spelled inside other text: as it is, stripped, or inside JSON."""
    quoted = json.dumps(secret)[1:-1]
    forms = {secret, secret.strip(), quoted, json.dumps(secret, ensure_ascii=False)[1:-1]}
    return forms | {line for line in secret.splitlines() if len(line) >= _SHORTEST_SECRET * 2}


def _holds_true(mark: Any) -> bool:
    match mark:
        case bool():
            return mark
        case dict():
            return any(map(_holds_true, mark.values()))
        case list():
            return any(map(_holds_true, mark))
    return False


def _at(value: Any, name: Any) -> Any:
    """What lies under a name or a number; a mark above covers all below it."""
    match value:
        case True:
            return True
        case dict():
            return value.get(name)
        case list() if isinstance(name, int) and name < len(value):
            return value[name]
    return None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dotted(path: Iterable[object]) -> str:
    return ".".join(str(part) for part in path)
