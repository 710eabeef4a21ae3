"""Promotion: a module's version moves on to the next environment, by one line.

The line is the pin in the environment's ``versions.hcl``. What the reader of the pull request wants
to see beside it is what lies between the two versions: the module's changelog, and its difference.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline import modules
from pipeline.errors import PipelineError, RefusedError, UsageError
from pipeline.git import Git
from pipeline.modules import CHANGELOG, FOLDER, Version
from pipeline.pins import LOCAL, VERSIONS_FILE, Pins
from pipeline.tree import LIVE, Layout
from tools.paths import write_atomically


@dataclass(frozen=True, slots=True)
class Promotion:
    """One module's step from one environment to the next.

    Attributes:
        module: its name.
        source: the environment that has the version already.
        target: the environment that gets it.
        old: the version there now.
        new: the version that it gets.
        file: the pins of the target, relative to the repository.
        text: that file as it becomes.
        changelog: of the versions after the old one, the newest first.
        stat: of the difference between the two versions.
        patch: the difference itself.
    """

    module: str
    source: str
    target: str
    old: Version
    new: Version
    file: Path
    text: str
    changelog: str
    stat: str
    patch: str


def prepare(
    git: Git,
    layout: Layout,
    *,
    module: str,
    source: str,
    target: str,
    version: str | None = None,
) -> Promotion:
    """What a promotion would do; nothing is written.

    Args:
        git: the checkout.
        layout: of ``live/``, with the order of promotion.
        module: which one.
        source: the environment that has the version.
        target: the one after it.
        version: another version than the source's own, none newer.

    Raises:
        UsageError: there is no such module, environment or version, or the step is none.
        RefusedError: it would go back, ahead of the source, to what was never released, or over
            changes that are not committed.
    """
    root = git.root
    modules.require(root, module)
    _require_step(layout, source, target)
    file = _file(layout, target)
    pins = _pins(root, file)
    if module not in pins.versions:
        raise UsageError(
            f"{target} uses no module {module}", hint=f"{file} pins {', '.join(pins.versions)}"
        )
    if git.run("status", "--porcelain", "--", str(file)).strip():
        raise RefusedError(f"{file} has changes that are not committed", hint="commit them first")
    there = _pins(root, _file(layout, source)).versions.get(module)
    new = _wanted(git, module, source, there, version)
    old = Version.parse(pins.versions[module])
    if new == old:
        raise RefusedError(f"{target} has {module} {old} already")
    if new < old:
        raise RefusedError(
            f"{target} has {module} {old}: {new} would take it back",
            hint="to undo a release, release the older code under a newer version",
        )
    tags = [modules.tag(module, one) for one in (old, new)]
    looked_at = modules.folders([module, *modules.used_by(root, module)])
    if old not in modules.releases(git, module):
        raise RefusedError(
            f"what {target} runs now is not here to compare with: there is no tag {tags[0]}",
            hint="git fetch --tags",
        )
    return Promotion(
        module=module,
        source=source,
        target=target,
        old=old,
        new=new,
        file=file,
        # As bytes: reading text would change how lines end.
        text=repinned((root / file).read_bytes().decode(), module, str(new), file),
        changelog=_changelog_between(git, module, old, new),
        stat=_difference(git, tags, looked_at, "--stat"),
        patch=_difference(git, tags, looked_at),
    )


def write(root: Path, promotion: Promotion) -> None:
    """Write the one line."""
    write_atomically(root / promotion.file, promotion.text)


def repinned(text: str, module: str, version: str, file: Path) -> str:
    """The text of ``versions.hcl`` with another version in one line, and not a sign else.

    Raises:
        PipelineError: the line is not there once, or more than it would change.
    """
    line = re.compile(rf'^([ \t]*"?{re.escape(module)}"?[ \t]*=[ \t]*")[^"\n]*(")', re.MULTILINE)
    changed, count = line.subn(rf"\g<1>{version}\g<2>", text)
    before, after = Pins.parse(text), Pins.parse(changed)
    if (
        count != 1
        or before is None
        or after is None
        or after.differ_in(before) != frozenset({module})
    ):
        raise PipelineError(
            f"{file}: the pin of {module} is not one plain line", hint=f'{module} = "1.2.0"'
        )
    return changed


def _require_step(layout: Layout, source: str, target: str) -> None:
    order = layout.promotion
    for name in (source, target):
        if name not in order:
            raise UsageError(
                f"{name!r} is no environment of promotion", hint=f"in order: {', '.join(order)}"
            )
    if order.index(target) != order.index(source) + 1:
        raise UsageError(
            f"from {source} to {target} is not one step of promotion",
            hint=f"one after the other: {', then '.join(order)}",
        )


def _file(layout: Layout, environment: str) -> Path:
    return Path(LIVE) / layout.scope(environment).folder / VERSIONS_FILE


def _pins(root: Path, file: Path) -> Pins:
    pins = Pins.parse((root / file).read_text("utf-8"))
    if pins is None:
        raise PipelineError(f"{file} is no plain map of versions")
    return pins


def _wanted(git: Git, module: str, source: str, there: str | None, version: str | None) -> Version:
    """The version to promote.

    Raises:
        UsageError: the source does not use the module.
        RefusedError: it was never released, or the source does not run it.
    """
    if there is None:
        raise UsageError(f"{source} uses no module {module}")
    released = modules.releases(git, module)
    if version is not None:
        wanted = Version.parse(version)
        if there != LOCAL and wanted > Version.parse(there):
            raise RefusedError(f"{source} has {module} {there}: {wanted} was never tried there")
    elif there == LOCAL:
        return _released_as_it_is(git, module, source, released)
    else:
        wanted = Version.parse(there)
    if wanted not in released:
        raise RefusedError(
            f"{module} {wanted} was never released: there is no tag {modules.tag(module, wanted)}",
            hint="git fetch --tags, or make release",
        )
    return wanted


def _released_as_it_is(git: Git, module: str, source: str, released: Sequence[Version]) -> Version:
    """The newest release, if it is what the source runs: the working tree."""
    if not released:
        raise RefusedError(
            f"{source} runs {module} from the working tree, and no version of it was released",
            hint="make release first",
        )
    newest = released[-1]
    here = git.working_tree()
    for folder in modules.folders([module, *modules.used_by(git.root, module)]):
        if _tree(git, modules.tag(module, newest), folder) != _tree(git, here, folder):
            raise RefusedError(
                f"{source} runs {module} from the working tree, where {folder} is no longer what "
                f"{newest} was",
                hint="make release first; or name what is to be promoted: VERSION=" + str(newest),
            )
    return newest


def _tree(git: Git, revision: str, folder: str) -> str:
    """The git tree of a folder, without what a release writes into its changelog."""
    listed = git.run("ls-tree", "-r", revision, "--", f"{folder}/")
    return "\n".join(line for line in listed.splitlines() if not line.endswith(f"/{CHANGELOG}"))


def _difference(git: Git, tags: Sequence[str], folders: Sequence[str], *options: str) -> str:
    """What differs between two releases."""
    return git.run("diff", "--no-color", *options, *tags, "--", *folders).rstrip("\n")


def _changelog_between(git: Git, module: str, old: Version, new: Version) -> str:
    text = git.read(modules.tag(module, new), f"{FOLDER}/{module}/{CHANGELOG}") or ""
    parts = [
        f"## {one.version}{f' - {one.day}' if one.day else ''}\n\n{one.text}"
        for one in modules.sections(text)
        if one.version is not None and old < one.version <= new
    ]
    return "\n\n".join(parts)
