"""Destroys what a change removed, or a whole environment, in sets of plans of their own.

A unit that is gone is planned from the commit that still has it, in a second checkout. Never
together with anything else, never by accident: somebody has to allow it, nothing that remains may
depend on it, and Terraform refuses what ``prevent_destroy`` keeps.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pipeline.changes import Affected
from pipeline.errors import PipelineError, RefusedError
from pipeline.git import Git
from pipeline.model import Finding, FindingKind, Severity, Source
from pipeline.tree import LIVE, UNIT_FILE, Unit, is_administrators

NOT_ALLOWED, STILL_NEEDED, KEPT = "PIPELINE-001", "PIPELINE-002", "PIPELINE-003"

_LINK = "https://docs.terragrunt.com/features/filter/"
_PREVENT = "https://developer.hashicorp.com/terraform/language/meta-arguments/lifecycle"
_KEPT = re.compile(r"Resource\s+(\S+)\s+has\s+lifecycle\.prevent_destroy")


def needed_by(affected: Affected) -> dict[str, tuple[str, ...]]:
    """The units that are gone and that others still depend on, with those others."""
    found: dict[str, list[str]] = {}
    for unit in affected.units.values():
        for needed in unit.dependencies:
            if needed in affected.removed and unit.path in affected.layout.units:
                found.setdefault(needed, []).append(unit.path)
    return {path: tuple(sorted(users)) for path, users in sorted(found.items())}


def refusals(
    affected: Affected, holds: Mapping[str, bool], *, allowed: bool
) -> tuple[Finding, ...]:
    """Why units that are gone may not be destroyed.

    Args:
        affected: the change.
        holds: whether each unit that is gone still holds resources.
        allowed: whether somebody allowed it.
    """
    needed = needed_by(affected)
    found: list[Finding] = []
    for path in affected.removed:
        if path in needed:
            users = ", ".join(needed[path])
            found.append(
                _refusal(
                    STILL_NEEDED,
                    path,
                    "A unit is removed while others depend on it",
                    f"{users} still depends on it",
                    "remove what depends on it as well, or take its dependency blocks away",
                )
            )
        elif holds[path] and is_administrators(path):
            account = path.split("/", maxsplit=1)[0]
            found.append(
                _refusal(
                    NOT_ALLOWED,
                    path,
                    "A unit is removed that only the account's administrator may destroy",
                    f"the pipeline may not touch it: ask {account}'s administrator",
                    "have it destroyed first, or put it back",
                )
            )
        elif holds[path] and not allowed:
            found.append(
                _refusal(
                    NOT_ALLOWED,
                    path,
                    "A unit is removed and its resources are not",
                    "its folder is gone while its state still holds resources",
                    "plan with --allow-destroy (on a pull request: the label `allow-destroy`), "
                    "or put the folder back",
                )
            )
    return tuple(found)


def kept_resources(said: str) -> tuple[str, ...]:
    """The resources for whose sake Terraform refused to plan a destruction."""
    return tuple(dict.fromkeys(_KEPT.findall(" ".join(said.split()))))


def kept(path: str, addresses: Collection[str]) -> tuple[Finding, ...]:
    """That a unit has resources that may not be destroyed."""
    return tuple(
        Finding(
            rule=KEPT,
            kind=FindingKind.DENY,
            severity=Severity.CRITICAL,
            source=Source.PIPELINE,
            title="A stateful resource prevents the destruction",
            unit=path,
            address=address,
            message="prevent_destroy keeps it: what it holds would be lost",
            remedy="save what it holds and take prevent_destroy away in a change of its own",
            link=_PREVENT,
            waivable=False,
        )
        for address in addresses
    )


def backwards(units: Mapping[str, Unit], paths: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The order of destruction: each unit after all that depend on it."""
    found: dict[str, list[str]] = {path: [] for path in paths}
    for unit in units.values():
        for needed in unit.dependencies:
            if needed in found and unit.path in found:
                found[needed].append(unit.path)
    return {path: tuple(sorted(users)) for path, users in found.items()}


@contextmanager
def checkout(git: Git, base: str, paths: Collection[str]) -> Iterator[Path]:
    """Where units are there: here, or in a checkout of the commit that still had them.

    Raises:
        PipelineError: neither has them.
    """
    if all((git.root / LIVE / path / UNIT_FILE).is_file() for path in paths):
        yield git.root
        return
    if not base:
        raise RefusedError(
            "units to destroy are gone, and the plan names no commit that had them",
            hint="plan again with BASE=",
        )
    with git.worktree(base) as root:
        missing = [path for path in paths if not (root / LIVE / path / UNIT_FILE).is_file()]
        if missing:
            raise PipelineError(f"commit {base[:12]} has no {', '.join(missing)}")
        # Functions that were built lie beside the checkout; plans of them read the packages.
        if (git.root / "build").is_dir() and not (root / "build").exists():
            (root / "build").symlink_to(git.root / "build")
        yield root


def _refusal(rule: str, path: str, title: str, message: str, remedy: str) -> Finding:
    return Finding(
        rule=rule,
        kind=FindingKind.DENY,
        severity=Severity.CRITICAL,
        source=Source.PIPELINE,
        title=title,
        unit=path,
        address=path,
        message=message,
        remedy=remedy,
        link=_LINK,
        waivable=False,
    )
