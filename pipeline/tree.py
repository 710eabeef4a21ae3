"""What exists where: scopes and units of ``live/``, what they read and what they depend on.

File names alone tell which units there are. Terragrunt is asked only for what a change concerns,
since its answer takes it some fifty milliseconds a unit: a unit depends on its own environment
and on the account's own folders, never on another environment.
"""

import json
import os
import re
import subprocess
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import yaml

from pipeline import schedule
from pipeline.errors import CommandFailedError, PipelineError, UsageError
from pipeline.model import UNIT_PATH
from pki.organization import SECURITY_ACCOUNT

LIVE = "live"
UNIT_FILE = "terragrunt.hcl"

_UNIT = re.compile(rf"{LIVE}/({UNIT_PATH.pattern})/{re.escape(UNIT_FILE)}")
_ENVIRONMENT_MARK = "registry"
"""An environment is what has a registry; ``pki.organization`` and ``root.hcl`` find it alike."""
_ACCOUNT_FOLDER = "account"
_ADMINISTRATORS = {
    _ACCOUNT_FOLDER: frozenset({"state-bucket", "plan-bucket", "deploy-roles"}),
}
_ADMINISTRATORS_FOLDER = "ca"


def is_administrators(unit: str) -> bool:
    """Whether only an account's administrator applies a unit: what the pipeline stands on.

    A pipeline that could change its own roles, its plan bucket or the CA would need no approval.
    """
    _, _, folder, name = unit.split("/")
    return folder == _ADMINISTRATORS_FOLDER or name in _ADMINISTRATORS.get(folder, frozenset())


@dataclass(frozen=True, slots=True, order=True)
class Scope:
    """What is planned, approved and applied together.

    Attributes:
        name: ``dev``, or ``non-prod/account`` for a folder of the account's own.
        account: its account's folder.
        region: its region's folder.
        environment: its own folder.
    """

    name: str
    account: str
    region: str
    environment: str

    @property
    def folder(self) -> str:
        """Below ``live/``."""
        return f"{self.account}/{self.region}/{self.environment}"

    @property
    def is_environment(self) -> bool:
        """Whether it is an environment, and no folder of the account's own."""
        return "/" not in self.name

    @property
    def file_name(self) -> str:
        """Its name as part of a file's name."""
        return self.name.replace("/", "-")


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit, as Terragrunt sees it.

    Attributes:
        path: below ``live/``.
        dependencies: paths of other units.
        reads: files, relative to the repository.
    """

    path: str
    dependencies: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Layout:
    """What the names of the files tell, at one commit.

    Attributes:
        units: paths, sorted.
        promotion: the environments, in the order in which a release passes through them.
    """

    units: tuple[str, ...]
    promotion: tuple[str, ...] = ()

    @classmethod
    def of(cls, files: Iterable[str], organization: str | None) -> Self:
        """Look at file names, relative to the repository.

        Args:
            files: at least all that are called ``terragrunt.hcl`` under ``live/``.
            organization: the text of ``organization.yaml``.
        """
        units = sorted(found[1] for file in files if (found := _UNIT.fullmatch(file)))
        return cls(tuple(units), _promotion(organization))

    @classmethod
    def here(cls, root: Path) -> Self:
        """Look into a checkout."""
        live = root / LIVE
        files = (path.relative_to(root).as_posix() for path in live.glob(f"*/*/*/*/{UNIT_FILE}"))
        facts = live / "organization.yaml"
        return cls.of(files, facts.read_text("utf-8") if facts.is_file() else None)

    @property
    def environments(self) -> frozenset[str]:
        """The names of the environments."""
        return frozenset(self.promotion) | {
            unit.split("/")[2] for unit in self.units if unit.endswith(f"/{_ENVIRONMENT_MARK}")
        }

    @property
    def last_environment(self) -> str:
        """The last one of promotion; empty when there is none."""
        return self.promotion[-1] if self.promotion else ""

    def holds_last_environment(self, account: str) -> bool:
        """Whether it is the account of the last environment, whose own folders serve that too."""
        held = {unit.split("/")[2] for unit in self.units if unit.startswith(f"{account}/")}
        return self.last_environment in held

    def is_production(self, account: str) -> bool:
        """Whether no doubt passes in an account, and nobody applies alone."""
        return account == SECURITY_ACCOUNT or self.holds_last_environment(account)

    def scope_of(self, unit: str) -> Scope:
        """The scope that a unit belongs to."""
        account, region, folder, _ = unit.split("/")
        name = folder if folder in self.environments else f"{account}/{folder}"
        return Scope(name, account, region, folder)

    def scopes(self, accounts: Sequence[str] = ()) -> tuple[Scope, ...]:
        """All scopes, in the order in which they are applied."""
        found = {self.scope_of(unit) for unit in self.units}
        return tuple(sorted(found, key=lambda scope: self._rank(scope, accounts)))

    def scope(self, name: str) -> Scope:
        """A scope by its name.

        Raises:
            UsageError: there is none of this name, or several.
        """
        found = [scope for scope in self.scopes() if scope.name == name]
        if len(found) != 1:
            known = ", ".join(scope.name for scope in self.scopes()) or "none"
            raise UsageError(
                f"live/ has {'no' if not found else 'more than one'} scope {name}",
                hint=f"known: {known}",
            )
        return found[0]

    def within(self, scope: Scope) -> tuple[str, ...]:
        """The units of a scope."""
        return self.below(scope.folder)

    def below(self, folder: str) -> tuple[str, ...]:
        """The units below a folder of ``live/``; all of them below the empty one."""
        return tuple(unit for unit in self.units if not folder or unit.startswith(f"{folder}/"))

    def _rank(self, scope: Scope, accounts: Sequence[str]) -> tuple[object, ...]:
        """Accounts' own folders first, security before the others; then as releases go."""
        order = list(accounts) or [SECURITY_ACCOUNT]
        account = order.index(scope.account) if scope.account in order else len(order)
        if not scope.is_environment:
            return (0, account, scope.account, scope.environment != _ACCOUNT_FOLDER, scope.name)
        promotion = self.promotion
        place = promotion.index(scope.name) if scope.name in promotion else len(promotion)
        return (1, place, scope.account, False, scope.name)


def _promotion(organization: str | None) -> tuple[str, ...]:
    if organization is None:
        return ()
    try:
        facts = yaml.safe_load(organization)
    except yaml.YAMLError as error:
        raise PipelineError(f"{LIVE}/organization.yaml is not YAML: {error}") from error
    entries = facts.get("promotion", []) if isinstance(facts, dict) else []
    if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
        raise PipelineError(f"{LIVE}/organization.yaml: promotion: expected a list of environments")
    return tuple(entries)


def find(
    root: Path, folders: Collection[str], environ: Mapping[str, str], *, live: str = LIVE
) -> dict[str, Unit]:
    """Ask Terragrunt for the units below some folders of ``live/``.

    Args:
        root: the checkout.
        folders: such as ``non-prod/eu-west-1/dev``.
        environ: the environment of Terragrunt.
        live: the folder of all units.

    Raises:
        CommandFailedError: Terragrunt cannot read a unit.
    """
    if not folders:  # a list that is empty would be taken for everything
        return {}
    with ThreadPoolExecutor(max_workers=schedule.workers(environ)) as pool:
        found = pool.map(lambda folder: _find(root, live, folder, environ), sorted(folders))
        return {unit.path: unit for units in found for unit in units}


def _find(root: Path, live: str, folder: str, environ: Mapping[str, str]) -> list[Unit]:
    working_dir = root / live / folder
    done = subprocess.run(
        [
            *("terragrunt", "find", "--json", "--dependencies", "--reading", "--no-color"),
            *("--non-interactive", "--working-dir", str(working_dir)),
        ],
        cwd=root,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise CommandFailedError(
            f"{live}/{folder}: terragrunt find failed\n{done.stderr.strip()}",
            hint="the configuration cannot be read: put right what it says",
        )
    entries = json.loads(done.stdout or "[]")

    def relative(path: str, to: Path) -> str:
        return os.path.relpath(os.path.normpath(working_dir / path), to)

    return [
        Unit(
            path=Path(relative(entry["path"], root / live)).as_posix(),
            dependencies=tuple(
                sorted(relative(path, root / live) for path in entry.get("dependencies", ()))
            ),
            reads=tuple(sorted(relative(path, root) for path in entry.get("reading", ()))),
        )
        for entry in entries
        if entry["type"] == "unit"
    ]


def dependents(units: Mapping[str, Unit], of: Iterable[str]) -> dict[str, str]:
    """All units that depend on some others, at once or by way of further ones.

    Returns:
        Each of them, and the nearest unit that it depends on for it.
    """
    users: dict[str, list[str]] = {}
    for unit in units.values():
        for needed in unit.dependencies:
            users.setdefault(needed, []).append(unit.path)
    found: dict[str, str] = {}
    start = set(of)
    queue = sorted(start)
    while queue:
        needed = queue.pop(0)
        for user in sorted(users.get(needed, ())):
            if user not in found and user not in start:
                found[user] = needed
                queue.append(user)
    return found


def graph(units: Mapping[str, Unit]) -> dict[str, tuple[str, ...]]:
    """Each unit and what it depends on."""
    return {unit.path: unit.dependencies for unit in units.values()}
