"""What a plan means, apart from when and where it was made.

The apply job plans again with the role that may write, and applies its own plan: only if that
means the same as the one that people reviewed. The meaning of a plan is what it does to resources
and outputs; a digest of it is part of the plan set, and two of them compare without a value being
told, since plans hold secrets.

https://developer.hashicorp.com/terraform/internals/json-format#plan-representation
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.errors import PipelineError
from pipeline.model import digest_of

__all__ = [
    "Difference",
    "compare",
    "digest",
    "form_of",
    "has_changes",
    "has_output_changes",
    "remainder",
]

type Form = Mapping[str, Any]
"""What `form_of` returns: JSON."""

_NOTHING = ["no-op"]
_READ = ["read"]
_TAINTED = "replace_because_tainted"
_REPLACEMENTS = (["delete", "create"], ["create", "delete"])
_FURTHER = ("deferred_changes", "action_invocations", "deferred_action_invocations")
"""What newer versions of Terraform plan beside resources: taken as it is, so never overlooked."""


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """Where two plans differ; no value is told.

    Attributes:
        address: of the resource, or ``output.<name>``.
        what: in a few words.
        paths: of the attributes that differ.
    """

    address: str
    what: str
    paths: tuple[str, ...] = ()

    def __str__(self) -> str:
        where = f": {', '.join(self.paths)}" if self.paths else ""
        return f"{self.address}: {self.what}{where}"


def form_of(plan: Mapping[str, Any]) -> Form:
    """What a plan means.

    Left out: when it was made and by which version, what it only read, what it leaves as it is,
    and everything that follows from the rest.

    Args:
        plan: as ``terraform show -json`` prints it.

    Raises:
        PipelineError: Terraform planned with errors.
    """
    if plan.get("errored"):
        raise PipelineError("the plan is incomplete: Terraform met an error when it was made")
    resources = {
        _key(resource): _resource(resource)
        for resource in plan.get("resource_changes", ())
        if _matters(resource)
    }
    outputs = {
        name: {
            "actions": change["actions"],
            "before": change.get("before"),
            "after": change.get("after"),
            "after_unknown": _unknown(change.get("after_unknown")),
        }
        for name, change in (plan.get("output_changes") or {}).items()
        if change["actions"] != _NOTHING
    }
    further = {name: plan[name] for name in _FURTHER if plan.get(name)}
    return {"resources": resources, "outputs": outputs, "further": further}


def digest(form: Form) -> str:
    """``sha256:`` and the digest of what a plan means."""
    return digest_of(_canonical(form))


def has_changes(form: Form) -> bool:
    """Whether applying would change anything: data that is only read is no change."""
    return bool(
        form["outputs"]
        or form["further"]
        or any(resource["actions"] != _READ for resource in form["resources"].values())
    )


def has_output_changes(plan: Mapping[str, Any]) -> bool:
    """Whether others would see other outputs once a plan is applied."""
    changes = (plan.get("output_changes") or {}).values()
    return any(change["actions"] != _NOTHING for change in changes)


def compare(reviewed: Form, fresh: Form) -> tuple[Difference, ...]:
    """Where two plans mean different things; nothing when they mean the same."""
    found: list[Difference] = []
    for key in sorted(reviewed["resources"].keys() | fresh["resources"].keys()):
        found += _compare(key, reviewed["resources"].get(key), fresh["resources"].get(key))
    for name in sorted(reviewed["outputs"].keys() | fresh["outputs"].keys()):
        ours, theirs = reviewed["outputs"].get(name), fresh["outputs"].get(name)
        found += _compare(f"output.{name}", ours, theirs)
    if _canonical(reviewed["further"]) != _canonical(fresh["further"]):
        found.append(Difference("(plan)", "deferred changes or actions differ"))
    return tuple(found)


def remainder(reviewed: Form, fresh: Form) -> tuple[Difference, ...]:
    """Why a plan is not what is left of another one that was applied in part; nothing if it is.

    What is left may know values that were unknown when the plan was reviewed. Everything else has
    to be as it was, and nothing may be new. Of a replacement, the second half may be left. What was
    to be made and broke off in the making is *tainted*, and made anew.
    """
    found: list[Difference] = []
    for key, theirs in sorted(fresh["resources"].items()):
        address = _address(theirs, key)
        ours = reviewed["resources"].get(key)
        if ours is None:
            ours = _half_replaced(reviewed["resources"], theirs)
        elif theirs["reason"] == _TAINTED and "create" in ours["actions"]:
            made = {name: theirs[name] for name in ("actions", "before", "replace_paths")}
            ours = {**ours, **made}
        elif ours["actions"] in _REPLACEMENTS and theirs["actions"] == ["create"]:
            # What was to be replaced is deleted, and not made again yet.
            ours = {**ours, "actions": ["create"], "before": None, "replace_paths": []}
        if ours is None:
            found.append(Difference(address, "was not in the reviewed plan"))
            continue
        found += _left_of(address, ours, theirs)
    for name, theirs in sorted(fresh["outputs"].items()):
        ours = reviewed["outputs"].get(name)
        if ours is None:
            found.append(Difference(f"output.{name}", "was not in the reviewed plan"))
        else:
            found += _settled(f"output.{name}", ours, theirs)
    if _canonical(reviewed["further"]) != _canonical(fresh["further"]):
        found.append(Difference("(plan)", "deferred changes or actions differ"))
    return tuple(found)


def _half_replaced(
    resources: Mapping[str, Any], theirs: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The deletion that is left of a replacement which creates first."""
    if theirs["deposed"] is None or theirs["actions"] != ["delete"]:
        return None
    for ours in resources.values():
        if ours["address"] == theirs["address"] and ours["actions"] == ["create", "delete"]:
            return {**theirs}
    return None


def _left_of(
    address: str, ours: Mapping[str, Any], theirs: Mapping[str, Any]
) -> Iterator[Difference]:
    fixed = (
        *("mode", "type", "provider", "actions", "before"),
        *("replace_paths", "importing", "previous_address"),
    )
    different = tuple(name for name in fixed if not _same(ours[name], theirs[name]))
    if "before" in different:
        paths = tuple(_paths(ours["before"], theirs["before"]))
        yield Difference(address, "what is there differs", paths)
    rest = tuple(name for name in different if name != "before")
    if rest:
        yield Difference(address, f"differs in {', '.join(rest)}")
    yield from _settled(address, ours, theirs)


def _settled(
    address: str, ours: Mapping[str, Any], theirs: Mapping[str, Any]
) -> Iterator[Difference]:
    paths = tuple(
        _unsettled(
            ours["after"], ours["after_unknown"], theirs["after"], theirs["after_unknown"], ""
        )
    )
    if paths:
        yield Difference(address, "would become something else", paths)


def _unsettled(
    ours: object, ours_unknown: object, theirs: object, theirs_unknown: object, path: str
) -> Iterator[str]:
    """Paths of the values that were known and are others, or are not known any more."""
    if ours_unknown is True:
        return
    if theirs_unknown is True:
        yield path or "(all)"
        return
    if isinstance(ours, dict) and isinstance(theirs, dict):
        known = (ours, theirs, _mapping(ours_unknown), _mapping(theirs_unknown))
        for key in sorted({key for part in known for key in part}):
            parts = [part.get(key) for part in known]
            yield from _unsettled(parts[0], parts[2], parts[1], parts[3], _join(path, key))
        return
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for index, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from _unsettled(
                one,
                _at(ours_unknown, index),
                other,
                _at(theirs_unknown, index),
                f"{path}[{index}]",
            )
        return
    if not _same(ours, theirs):
        yield path or "(all)"


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _at(value: object, index: int) -> object:
    return value[index] if isinstance(value, list) and index < len(value) else None


def _compare(
    key: str, ours: Mapping[str, Any] | None, theirs: Mapping[str, Any] | None
) -> Iterator[Difference]:
    if ours is None or theirs is None:
        there = ours if theirs is None else theirs
        which = "reviewed" if theirs is None else "fresh"
        actions = " and ".join((there or {})["actions"])
        yield Difference(_address(there or {}, key), f"only the {which} plan would {actions} it")
        return
    address = _address(ours, key)
    for name in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get(name), theirs.get(name)
        if _same(one, other):
            continue
        if name == "actions":
            yield Difference(
                address, f"{' and '.join(one or ())} became {' and '.join(other or ())}"
            )
        elif name in ("before", "after", "after_unknown"):
            what = {
                "before": "what is there differs",
                "after": "what it would become differs",
                "after_unknown": "what is known differs",
            }[name]
            yield Difference(address, what, tuple(_paths(one, other)))
        else:
            yield Difference(address, f"differs in {name}")


def _paths(ours: object, theirs: object, path: str = "") -> Iterator[str]:
    """Paths at which two values differ."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted(ours.keys() | theirs.keys()):
            if key in ours and key in theirs:
                yield from _paths(ours[key], theirs[key], _join(path, key))
            else:
                yield _join(path, key)
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for index, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from _paths(one, other, f"{path}[{index}]")
    elif not _same(ours, theirs):
        yield path or "(all)"


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _key(resource: Mapping[str, Any]) -> str:
    """Names a change: a resource may have objects that were to be deleted beside its own."""
    deposed = resource.get("deposed")
    return f"{resource['address']} ({deposed})" if deposed else str(resource["address"])


def _address(resource: Mapping[str, Any], key: str) -> str:
    return str(resource.get("address", key))


def _matters(resource: Mapping[str, Any]) -> bool:
    """What stays as it is means nothing, unless it comes into the state or is called otherwise."""
    change = resource["change"]
    return bool(
        change["actions"] != _NOTHING or change.get("importing") or resource.get("previous_address")
    )


def _resource(resource: Mapping[str, Any]) -> dict[str, Any]:
    change = resource["change"]
    return {
        "address": resource["address"],
        "previous_address": resource.get("previous_address"),
        "deposed": resource.get("deposed"),
        "mode": resource.get("mode"),
        "type": resource.get("type"),
        "provider": resource.get("provider_name"),
        "actions": change["actions"],
        "reason": resource.get("action_reason"),
        "before": change.get("before"),
        "after": change.get("after"),
        "after_unknown": _unknown(change.get("after_unknown")),
        "replace_paths": sorted(change.get("replace_paths") or [], key=_canonical),
        "importing": change.get("importing"),
    }


def _unknown(value: object) -> object:
    """What is unknown, without what is not: whether `false` is written varies by nesting."""
    if isinstance(value, dict):
        found = {key: _unknown(entry) for key, entry in value.items()}
        return {key: entry for key, entry in found.items() if entry not in (None, {}, [])} or None
    if isinstance(value, list):
        entries = [_unknown(entry) for entry in value]
        return entries if any(entry is not None for entry in entries) else None
    return True if value is True else None


def _same(ours: object, theirs: object) -> bool:
    """Equal as JSON: `True` is no 1 there."""
    return _canonical(ours) == _canonical(theirs)


def _canonical(value: object) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", errors="surrogatepass")
