"""The one comment that a pull request gets, updated in place, and the summary of a run.

GitHub refuses a comment of more than 65,536 characters, so a comment is written in sections that
know shorter forms of themselves, and the largest that may shrink does so until all fits. What the
gates say and the digests stay, and the comment says what was cut and where the rest is.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby

from pipeline import markdown
from pipeline.github import GitHub
from pipeline.model import Finding, FindingKind, PlannedUnit, UnitStatus
from pipeline.redaction import Action, Attribute, Change
from pipeline.report import Report, reason_of, where

MARKER = "<!-- aws-api-gateway-mtls: plan -->"
"""Begins the comment, unseen, so that the next run finds it."""

COMMENT_LIMIT = 64_000
"""Bytes of UTF-8: with room below GitHub's 65,536 characters for the note of a newer commit."""

SUMMARY_LIMIT = 1_000_000
"""Bytes of a run's summary, of which GitHub shows one MiB a step."""

_STALE = "<!-- stale -->"
_NOTE_ROOM = 1_500
_SHOWN_ENTRIES = (200, 50, 10)
_SHOWN_LINES = (400, 80, 20)
_SIGNS = {
    Action.IMPORT: "!",
    Action.MOVE: "!",
    Action.CREATE: "+",
    Action.UPDATE: "!",
    Action.DELETE: "-",
    Action.REPLACE: "-",
    Action.FORGET: "-",
}
_WORDS = {
    Action.IMPORT: "will be imported: it exists, and comes into this state",
    Action.MOVE: "was moved: its address in the state changes",
    Action.CREATE: "will be created",
    Action.UPDATE: "will be changed in place",
    Action.DELETE: "will be destroyed",
    Action.REPLACE: "must be replaced: destroyed and made anew",
    Action.FORGET: "will be forgotten, and stay where it is",
}


@dataclass(frozen=True, slots=True)
class Context:
    """Where a report comes from.

    Attributes:
        commit: what was planned, of the pull request's branch.
        run: address of the run; empty on a laptop.
        where_to_approve: what the reader does with the digests, a sentence.
    """

    commit: str
    run: str = ""
    where_to_approve: str = (
        "After the merge the plan is made anew on `main`; its reviewers approve that digest."
    )


type _Form = Callable[[], str]


class _Section:
    """A part of the comment, and shorter forms of it, made when they are wanted."""

    def __init__(self, forms: Sequence[_Form], name: str, *, late: bool = False) -> None:
        """Keep the forms, the longest first.

        Args:
            forms: of the part.
            name: what the comment calls it when it was cut.
            late: whether it shrinks only when all others have.
        """
        self._forms = forms
        self.name = name
        self.late = late
        self.at = -1
        self.text = ""
        self.size = 0
        self.shrink()

    @property
    def can_shrink(self) -> bool:
        return self.at + 1 < len(self._forms)

    def shrink(self) -> int:
        """Take the next form, and return by how much it is smaller."""
        before = self.size
        self.at += 1
        self.text = self._forms[self.at]()
        self.size = len(self.text.encode())
        return before - self.size


def render(report: Report, context: Context, *, limit: int = COMMENT_LIMIT) -> str:
    """The comment, never larger than the limit."""
    sections = list(_sections(report, context))
    room = limit - _NOTE_ROOM
    size = sum(section.size + 2 for section in sections)
    while size > room:
        shrinkable = [section for section in sections if section.can_shrink]
        if not shrinkable:
            return _last_resort(report, context, limit)
        early = [section for section in shrinkable if not section.late]
        largest = max(early or shrinkable, key=lambda section: section.size)
        size -= largest.shrink()
    parts = [section.text for section in sections if section.text]
    cut = [section.name for section in sections if section.at]
    if cut:
        parts.append(_cut_note(cut, context))
    return "\n\n".join(parts) + "\n"


def publish(github: GitHub, pull_request: int, body: str, *, commit: str) -> None:
    """Put the comment on its pull request: the one that is there is updated.

    A run that was overtaken by a newer commit says so, and leaves the newer run's word in force.
    """
    newest = github.head_of(pull_request)
    if newest != commit:
        body = _with_stale_note(body, newest)
    mine = _mine(github, pull_request)
    if newest != commit and mine and _names_commit(mine[0][1], newest):
        return
    if not mine:
        github.add_comment(pull_request, body)
        return
    (number, _), *others = mine
    github.edit_comment(number, body)
    for extra, _ in others:
        github.delete_comment(extra)


def supersede(github: GitHub, pull_request: int, *, commit: str) -> bool:
    """Say on the comment that is there that a newer commit is being planned; whether one was."""
    for number, body in _mine(github, pull_request)[:1]:
        if _names_commit(body, commit) or _STALE in body:
            return False
        github.edit_comment(number, _with_stale_note(body, commit))
        return True
    return False


def _mine(github: GitHub, pull_request: int) -> list[tuple[int, str]]:
    """Not just any comment with the marker: somebody could write one, to have it changed."""
    return [
        (comment.number, comment.body)
        for comment in github.comments(pull_request)
        if comment.author == github.author and comment.body.startswith(MARKER)
    ]


def _names_commit(body: str, commit: str) -> bool:
    return _commit_mark(commit) in body


def _commit_mark(commit: str) -> str:
    return f"<!-- commit: {commit} -->"


def _with_stale_note(body: str, commit: str) -> str:
    note = (
        f"{_STALE}\n> [!WARNING]\n> Out of date: {markdown.code(commit[:12])} came after this "
        "plan. Its digests are of no use any more."
    )
    return body.replace(MARKER, f"{MARKER}\n{note}\n", 1)


def _sections(report: Report, context: Context) -> Iterator[_Section]:
    yield _Section([lambda: _head(report, context)], "head")
    if report.sets:
        yield _units(report)
    if report.open:
        yield _findings(report)
    yield from _special_units(report)
    if report.waived:
        yield _waivers(report)
    if report.sets:
        yield _digests(report, context)
    changed = {
        unit.path for unit in report.units if unit.counts.total or report.beside_counts(unit.path)
    }
    for unit, changes in report.changes.items():
        if unit in changed and changes:
            yield _details(unit, changes)


def _head(report: Report, context: Context) -> str:
    units = [unit for unit in report.units if unit.status is not UnitStatus.UNCHANGED]
    if report.blocking:
        verdict = f"refused: {_number(len(report.blocking), 'finding')} to put right"
    elif not report.passed:
        failed = sum(unit.status is UnitStatus.FAILED for unit in units)
        verdict = f"failed: {_number(failed, 'unit')} could not be planned"
    elif units:
        verdict = f"{_number(len(units), 'unit')} to review"
    else:
        verdict = "nothing changes"
    lines = [MARKER, _commit_mark(context.commit), f"## Plan: {verdict}", ""]
    place = f" · [the run]({context.run})" if context.run else ""
    lines.append(f"Commit {markdown.code(context.commit[:12])}{place}")
    return "\n".join(lines)


def _units(report: Report) -> _Section:
    head = [
        "| unit | status | add | change | destroy | replace | findings | time |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    shown = [unit for unit in report.units if unit.status is not UnitStatus.UNCHANGED]
    quiet = len(report.units) - len(shown)
    order = {UnitStatus.FAILED: 0, UnitStatus.CHANGED: 1}
    shown.sort(key=lambda unit: order.get(unit.status, 2))
    found = report.findings_by_unit
    rows = [_unit_row(unit, report.status_of(unit), found[unit.path]) for unit in shown]
    foot = [f"\n{_number(quiet, 'more unit')} without a change."] if quiet else []

    def first(count: int) -> str:
        cut = len(rows) - count
        more = [f"\n{_number(cut, 'more unit')} with a change, not listed here."] if cut > 0 else []
        table = [*head, *rows[:count]] if rows else []
        return "\n".join([*table, *more, *foot]).strip()

    return _Section(_shorter(first, len(rows)), "the table of units")


def _unit_row(unit: PlannedUnit, status: str, findings: int) -> str:
    counts = unit.counts
    numbers = (counts.add, counts.change, counts.destroy, counts.replace)
    cells = [
        markdown.code(unit.path),
        status,
        *(str(number) if number else "" for number in numbers),
        str(findings or ""),
        f"{unit.seconds:.0f} s",
    ]
    return f"| {' | '.join(cells)} |"


def _findings(report: Report) -> _Section:
    """All of them in every form: the last one counts the places of each rule."""
    refusing = frozenset(report.blocking)
    blocking = [finding for finding in report.open if finding in refusing]
    others = [finding for finding in report.open if finding not in refusing]

    def all_of(words: Callable[[Finding], str]) -> str:
        parts: list[str] = []
        if blocking:
            parts.append(f"### Refused: {_number(len(blocking), 'finding')}\n")
            parts += [words(finding) for finding in blocking]
        if others:
            title = f"### Shown, and no reason to refuse: {_number(len(others), 'finding')}"
            parts.append(f"{chr(10) if blocking else ''}{title}\n")
            parts += [words(finding) for finding in others]
        return "\n".join(parts)

    return _Section(
        [
            lambda: all_of(lambda finding: _finding(finding, 2_000, explain=True)),
            lambda: all_of(lambda finding: _finding(finding, 300, explain=True)),
            lambda: all_of(lambda finding: _finding(finding, 120, explain=False)),
            *(partial(_grouped, blocking, others, places) for places in (20, 3, 0)),
        ],
        "the words of findings",
        late=True,
    )


def _finding(finding: Finding, longest: int, *, explain: bool) -> str:
    words = markdown.text(_clipped(finding.message or finding.title, longest))
    line = (
        f"- **{_kind(finding)}** {markdown.link(finding.rule, finding.link)} "
        f"({finding.severity.value}) {markdown.code(_clipped(where(finding), longest))}: {words}"
    )
    if explain and finding.remedy:
        line += f"\n  **Do:** {markdown.text(_clipped(finding.remedy, longest))}"
    return line


def _grouped(blocking: Sequence[Finding], others: Sequence[Finding], places: int) -> str:
    lines: list[str] = []
    for title, findings in (("Refused", blocking), ("Shown, and no reason to refuse", others)):
        if not findings:
            continue
        lines += [f"### {title}: {_number(len(findings), 'finding')}\n"]
        by_rule = sorted(findings, key=lambda finding: finding.rule)
        for rule, group in groupby(by_rule, key=lambda finding: finding.rule):
            entries = list(group)
            shown = [markdown.code(_clipped(where(entry), 120)) for entry in entries[:places]]
            more = [f"{len(entries) - len(shown)} more"] if shown and len(entries) > places else []
            listed = f": {', '.join([*shown, *more])}" if shown else ""
            kind = _kind(entries[0])
            times = f"{len(entries)} times" if len(entries) > 1 else "once"
            lines.append(f"- **{kind}** {markdown.text(_clipped(rule, 40))} {times}{listed}")
    return "\n".join(lines)


def _kind(finding: Finding) -> str:
    return finding.kind.value if finding.kind is not FindingKind.WARN else "warning"


def _special_units(report: Report) -> Iterator[_Section]:
    """What is not applied with the rest, and why."""
    for status, title in (
        (UnitStatus.FAILED, "Could not be planned"),
        (UnitStatus.WAITING, "Waiting: planned once what they stand on is applied"),
        (UnitStatus.REMOVED, "Removed: their resources are still there"),
    ):
        units = [unit for unit in report.units if unit.status is status]
        if not units:
            continue
        rows = [f"- {markdown.code(unit.path)}: {_reason(unit)}" for unit in units]
        yield _listed(f"### {title}\n", rows, f"units: {status.value}")


def _reason(unit: PlannedUnit) -> str:
    if unit.status is UnitStatus.WAITING and unit.waits_for:
        return f"for {', '.join(markdown.code(path) for path in unit.waits_for)}"
    return markdown.text(_clipped(reason_of(unit), 1_000)) or "no reason given"


def _waivers(report: Report) -> _Section:
    head = "### Waived\n\n| rule | where | ticket | days left |\n| --- | --- | --- | ---: |"
    rows = [
        f"| {markdown.text(finding.rule)} | {markdown.code(_clipped(where(finding), 300))} "
        f"| {markdown.text(finding.waiver or '')} "
        f"| {'' if finding.days_left is None else finding.days_left} |"
        for finding in report.waived
    ]
    return _listed(head, rows, "waivers")


def _digests(report: Report, context: Context) -> _Section:
    sets = report.sets
    title = f"### Digests\n\n{context.where_to_approve}\n"
    full = [
        f"{markdown.code(plan_set.scope)}\n{markdown.block([plan_set.digest])}" for plan_set in sets
    ]
    short = [f"- {markdown.code(one.scope)} {markdown.code(one.digest)}" for one in sets]
    forms = [lambda: "\n".join([title, *full]), lambda: "\n".join([title, *short])]
    return _Section(forms, "digests", late=True)


def _details(unit: str, changes: Sequence[Change]) -> _Section:
    lines = [line for change in changes for line in _diff(change)]
    name = markdown.code(unit)

    def first(count: int) -> str:
        cut = len(lines) - count
        more = [f"# {_number(cut, 'more line')}"] if cut > 0 else []
        body = markdown.block([*lines[:count], *more], "diff")
        summary = f"<details><summary>{_html(unit)}</summary>"
        return f"{summary}\n\n{body}\n\n</details>"

    touched = ", ".join(
        f"{sum(change.action is action for change in changes)} {action.value}"
        for action in Action
        if any(change.action is action for change in changes)
    )
    short: list[_Form] = [lambda: f"- {name}: {touched}", lambda: ""]
    forms = [*_shorter(first, len(lines), _SHOWN_LINES), *short]
    return _Section(forms, f"details of {unit}")


def _diff(change: Change) -> Iterator[str]:
    sign = _SIGNS[change.action]
    yield f"{sign} {change.address} {_WORDS[change.action]}"
    for attribute in change.attributes:
        yield f"{sign}     {_attribute(change, attribute)}"


def _attribute(change: Change, attribute: Attribute) -> str:
    forced = "  # forces replacement" if attribute.forces_replacement else ""
    match change.action:
        case Action.CREATE | Action.IMPORT:
            return f"{attribute.name} = {attribute.after}{forced}"
        case Action.DELETE | Action.FORGET:
            return f"{attribute.name} = {attribute.before}"
    return f"{attribute.name}: {attribute.before} -> {attribute.after}{forced}"


def _listed(head: str, rows: Sequence[str], name: str) -> _Section:
    def first(count: int) -> str:
        cut = len(rows) - count
        more = [f"\n... and {cut} more."] if cut > 0 else []
        return "\n".join([head, *rows[:count], *more])

    return _Section(_shorter(first, len(rows)), name)


def _shorter(
    first: Callable[[int], str], length: int, steps: Iterable[int] = _SHOWN_ENTRIES
) -> list[_Form]:
    return [partial(first, length), *(partial(first, step) for step in steps if step < length)]


def _cut_note(names: Sequence[str], context: Context) -> str:
    details = sum(name.startswith("details of") for name in names)
    listed = [name for name in names if not name.startswith("details of")]
    if details:
        listed.append(f"details of {_number(details, 'unit')}")
    rest = f"the summary of [the run]({context.run})" if context.run else "`make plan`"
    return f"Shortened to fit GitHub's limit: {', '.join(listed)}. All of it: {rest}."


def _last_resort(report: Report, context: Context, limit: int) -> str:
    """Larger than the limit in its shortest form: numbers, and as many digests as there is room."""
    counts = (
        f"{_number(len(report.units), 'unit')} in {_number(len(report.sets), 'scope')}, "
        f"{_number(len(report.blocking), 'finding')} that refuse, "
        f"{len(report.open) - len(report.blocking)} others."
    )
    names = ["all details", "findings", "digests"]
    text = "\n\n".join([_head(report, context), counts, _cut_note(names, context)])
    for plan_set in report.sets:
        line = f"\n- {markdown.code(plan_set.scope)} {markdown.code(plan_set.digest)}"
        if len((text + line).encode()) + 2 > limit:
            break
        text += line
    return f"{text}\n"


def _clipped(words: str, longest: int) -> str:
    return words if len(words) <= longest else f"{words[: longest - 1]}…"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _html(raw: str) -> str:
    """Text within HTML, which a unit's path cannot leave; its pattern allows no sign of either."""
    return f"<code>{raw.replace('&', '&amp;').replace('<', '&lt;')}</code>"
