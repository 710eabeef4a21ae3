"""Which units a change affects, and why.

What is looked at grows with the change: the files that differ name the scopes concerned, and
Terragrunt is asked for those only. Where a file's readers are not known, all units of the
narrowest folder above it are affected: doubt is more, never less.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pipeline.git import Git
from pipeline.modules import FOLDER as MODULES
from pipeline.pins import VERSIONS_FILE, Pins
from pipeline.tree import LIVE, UNIT_FILE, Layout, Scope, Unit, dependents

_SAYS_NOTHING = {
    LIVE: re.compile(r".*\.md|live/drift-noise\.yaml"),
    MODULES: re.compile(r".*\.md|.*\.tftest\.(hcl|json)|modules/[^/]+/(tests|examples)/.*"),
}
"""What no plan depends on: texts, tests, and what is known to be drift."""
_SOURCE = re.compile(r'\bsources\[\s*"([^"]+)"\s*\]')
_SIBLING = re.compile(r'\bsource\s*=\s*"\.\./([A-Za-z0-9_-]+)/?"')

type Finder = Callable[[Iterable[str]], Mapping[str, Unit]]
"""Asks Terragrunt for the units below some folders of ``live/``; see `pipeline.tree.find`."""


@dataclass(frozen=True, slots=True)
class Affected:
    """What a change affects.

    Attributes:
        base: the commit that the change is seen from; empty when there is none.
        reasons: path of a unit to why it is affected, for those that are there.
        removed: the same for units that are gone.
        units: what Terragrunt knows of the units that were looked at.
        layout: what there is now.
        before: what there was.
    """

    base: str
    reasons: Mapping[str, tuple[str, ...]]
    removed: Mapping[str, tuple[str, ...]]
    units: Mapping[str, Unit]
    layout: Layout
    before: Layout

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to plan."""
        return not self.reasons and not self.removed

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The scopes that have anything to plan, in the order of application."""
        paths = (*self.reasons, *self.removed)
        concerned = {self.scope_of(path) for path in paths}
        return tuple(scope for scope in self._known() if scope in concerned)

    def scope_of(self, path: str) -> Scope:
        """The scope of a unit, even of one that is gone."""
        layout = self.layout if path in self.layout.units else self.before
        return layout.scope_of(path)

    def only(self, scope: str) -> "Affected":
        """The same for one scope alone."""
        return Affected(
            self.base,
            {path: why for path, why in self.reasons.items() if self.scope_of(path).name == scope},
            {path: why for path, why in self.removed.items() if self.scope_of(path).name == scope},
            self.units,
            self.layout,
            self.before,
        )

    def _known(self) -> tuple[Scope, ...]:
        both = Layout(
            tuple(sorted({*self.layout.units, *self.before.units})),
            self.layout.promotion or self.before.promotion,
        )
        return both.scopes()


def everything_of(scope: Scope, layout: Layout, find: Finder) -> Affected:
    """All units of a scope."""
    units = find([scope.folder])
    paths = layout.within(scope)
    return Affected(
        base="",
        reasons=dict.fromkeys(paths, (f"all of {scope.name}",)),
        removed={},
        units=units,
        layout=layout,
        before=layout,
    )


def affected_by(git: Git, base: str, tree: str, layout: Layout, find: Finder) -> Affected:
    """What the change from a commit to a tree affects.

    Args:
        git: the checkout.
        base: a commit.
        tree: the tree that is checked out.
        layout: what is in it.
        find: asks Terragrunt.
    """
    before = Layout.of(git.files(base, LIVE), git.read(base, f"{LIVE}/organization.yaml"))
    change = _Change(git, base, git.changed(base, tree), layout)
    direct = change.direct()
    removed = {
        path: (f"{LIVE}/{path} is gone",) for path in before.units if path not in layout.units
    }
    # Who depends on what is gone has to be known as well.
    concerned = {layout.scope_of(path) for path in direct} | {
        before.scope_of(path) for path in removed
    }
    units = dict(find(sorted({scope.folder for scope in concerned if layout.within(scope)})))
    direct = change.read_by(units, direct)
    # Environments stand on their account's folders: whoever changes those looks at them too.
    shared = {scope.account for scope in concerned if not scope.is_environment}
    further = {
        scope.folder
        for scope in layout.scopes()
        if scope.account in shared and scope not in concerned
    }
    if further:
        units |= find(sorted(further))
    reasons = {path: tuple(why) for path, why in direct.items()}
    for path, needed in dependents(units, direct).items():
        reasons[path] = (f"depends on {_seen_from(path, needed)}",)
    return Affected(base, dict(sorted(reasons.items())), removed, units, layout, before)


class _Change:
    """Files that differ, and the units that they are about."""

    def __init__(self, git: Git, base: str, files: Iterable[str], layout: Layout) -> None:
        self._git = git
        self._base = base
        self._layout = layout
        self._files = [file for file in files if not _says_nothing(file)]

    def direct(self) -> dict[str, list[str]]:
        """The units that a file is about by its place alone, and why."""
        found: dict[str, list[str]] = {}

        def add(paths: Iterable[str], reason: str) -> None:
            for path in paths:
                found.setdefault(path, []).append(reason)

        for file in self._files:
            top, _, rest = file.partition("/")
            if top != LIVE:
                continue
            unit = "/".join(rest.split("/")[:4])
            if unit in self._layout.units:
                add([unit], _own(rest, unit))
            elif PurePosixPath(rest).name == VERSIONS_FILE and rest.count("/") == 3:
                self._pins(file, add)
            elif not self._is_of_removed(unit):
                add(self._layout.below(self._narrowest(rest)), f"reads {file}")
        self._modules(add)
        return found

    def read_by(
        self, units: Mapping[str, Unit], direct: Mapping[str, list[str]]
    ) -> dict[str, list[str]]:
        """Further units that read a file from elsewhere, as Terragrunt tells.

        Pins are told apart by module, and were looked at; so were modules.
        """
        found = {path: list(why) for path, why in direct.items()}
        files = {
            file
            for file in self._files
            if PurePosixPath(file).name != VERSIONS_FILE and not file.startswith(f"{MODULES}/")
        }
        for unit in units.values():
            if unit.path not in self._layout.units:
                continue
            for file in unit.reads:
                own = file.startswith(f"{LIVE}/{unit.path}/")
                reason = f"reads {file}"
                if file in files and not own and reason not in found.get(unit.path, ()):
                    found.setdefault(unit.path, []).append(reason)
        return found

    def _is_of_removed(self, unit: str) -> bool:
        """Whether a file lay in a unit that is gone: that is told of apart."""
        return (
            unit.count("/") == 3
            and self._git.read(self._base, f"{LIVE}/{unit}/{UNIT_FILE}") is not None
        )

    def _narrowest(self, rest: str) -> str:
        """The narrowest folder above a file that has units."""
        folder = PurePosixPath(rest).parent
        while folder != PurePosixPath() and not self._layout.below(folder.as_posix()):
            folder = folder.parent
        return "" if folder == PurePosixPath() else folder.as_posix()

    def _pins(self, file: str, add: Callable[[Iterable[str], str], None]) -> None:
        """The units whose module's pin is another now; all when the file is not understood."""
        folder = PurePosixPath(file).parent.relative_to(LIVE).as_posix()
        units = self._layout.below(folder)
        before, now = self._git.read(self._base, file), self._now(file)
        pins = (
            None if before is None else Pins.parse(before),
            None if now is None else Pins.parse(now),
        )
        changed = (
            pins[0].differ_in(pins[1]) if pins[0] is not None and pins[1] is not None else None
        )
        if changed is None:
            add(units, f"reads {file}")
            return
        for unit in units:
            module = self._module(unit)
            if module is None:
                add([unit], f"reads {file}")
            elif module in changed:
                add([unit], f"the pin of {module} in {file}")

    def _modules(self, add: Callable[[Iterable[str], str], None]) -> None:
        """The units that take a module that differs from this working tree."""
        touched = {file.split("/")[1] for file in self._files if file.startswith(f"{MODULES}/")}
        if not touched:
            return
        users = self._users_of_modules(touched)
        for folder in sorted({unit.rpartition("/")[0] for unit in self._layout.units}):
            text = self._now(f"{LIVE}/{folder}/{VERSIONS_FILE}")
            pins = None if text is None else Pins.parse(text)
            local = users.keys() if pins is None else users.keys() & pins.local
            if not local:
                continue
            for unit in self._layout.below(folder):
                module = self._module(unit)
                if module is None:
                    add([unit], f"may take one of the modules {', '.join(sorted(local))}")
                elif module in local:
                    add([unit], f"the module {users[module]} differs in this working tree")

    def _users_of_modules(self, touched: Iterable[str]) -> dict[str, str]:
        """Modules to the one that differs, for that itself and for whoever calls it."""
        callers: dict[str, set[str]] = {}
        for path in (self._git.root / MODULES).glob("*/*.tf"):
            for called in _SIBLING.findall(path.read_text("utf-8", errors="replace")):
                callers.setdefault(called, set()).add(path.parent.name)
        found = {module: module for module in touched}
        queue = sorted(found)
        while queue:
            module = queue.pop()
            for caller in sorted(callers.get(module, set()) - found.keys()):
                found[caller] = found[module]
                queue.append(caller)
        return found

    def _module(self, unit: str) -> str | None:
        """The module that a unit takes; None when its file does not tell in the usual way."""
        return module_of(self._now(f"{LIVE}/{unit}/{UNIT_FILE}") or "")

    def _now(self, file: str) -> str | None:
        path = self._git.root / Path(file)
        return path.read_text("utf-8", errors="replace") if path.is_file() else None


def module_of(text: str) -> str | None:
    """The module that a unit's file names as its source; None when it does so in its own way."""
    found = set(_SOURCE.findall(text))
    return found.pop() if len(found) == 1 else None


def _own(rest: str, unit: str) -> str:
    return f"{rest.removeprefix(f'{unit}/')} changed"


def _says_nothing(file: str) -> bool:
    pattern = _SAYS_NOTHING.get(file.partition("/")[0])
    return pattern is not None and pattern.fullmatch(file) is not None


def _seen_from(path: str, needed: str) -> str:
    """``../registry``, or a path below ``live/`` where it lies elsewhere."""
    folder, _, name = needed.rpartition("/")
    return f"../{name}" if path.rpartition("/")[0] == folder else needed
