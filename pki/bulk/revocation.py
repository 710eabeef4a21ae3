"""Revoking many certificates: every line is judged first, then all are revoked; run again at will.

A line names a certificate (:func:`pki.revocation.parse_target`), and after a comma the reason, if
it is another than the run's. Empty lines, and what follows ``#``, are skipped; so is a heading
``certificate,reason``.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from clientcert import RegistryRecord, RevocationReason
from pki.errors import PkiError, RegistryError, UsageError
from pki.progress import BulkProgress
from pki.registry import Registry
from pki.revocation import Order, Revocation, find_all, parse_target, revoke_found

CONCURRENCY = 8
"""Requests to the registry at once; below botocore's ten connections."""

_HEADING = "certificate"
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Line:
    """One order of a file.

    Attributes:
        number: the line's, counted from 1.
        order: what it says.
    """

    number: int
    order: Order


@dataclass(frozen=True, slots=True)
class _Found:
    line: Line
    records: tuple[RegistryRecord, ...]


def read_lines(
    text: str, reason: RevocationReason, *, every: bool = False, lineage: bool = False
) -> tuple[Line, ...]:
    """Read a file's orders.

    Args:
        text: the file.
        reason: of lines that give none.
        every: whether a name means all of the client's certificates.
        lineage: whether with each certificate its whole lineage is meant.

    Raises:
        UsageError: lines are malformed, each named with its number; or there is none.
    """
    lines: list[Line] = []
    problems: list[str] = []
    # Not splitlines, which counts other lines than editors do.
    for number, written in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        content = written.partition("#")[0].strip()
        target, _, reason_text = (part.strip() for part in content.partition(","))
        if not content or (not lines and not problems and target.lower() == _HEADING):
            continue
        try:
            chosen = _reason(reason_text) if reason_text else reason
            lines.append(Line(number, Order(parse_target(target, every=every), chosen, lineage)))
        except UsageError as error:
            problems.append(f"line {number}: {error}")
    if problems:
        raise UsageError(
            _listed(problems),
            hint="a line is a name, serial number or fingerprint, and after a comma a reason; "
            "nothing was revoked",
        )
    if not lines:
        raise UsageError("the file names no certificate")
    return tuple(lines)


def revoke_all(
    registry: Registry, lines: Sequence[Line], now: datetime, progress: BulkProgress
) -> Revocation:
    """Revoke what a file says; what is revoked already stays as it is.

    Raises:
        RegistryError: lines name what the registry does not know, or leave doubt which certificate
            or which reason is meant; nothing was revoked. Or the registry cannot be read.
    """
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        found = _find(registry, lines, now, progress, pool)
        _require_one_reason(found)

        def revoke_one(entry: _Found) -> Revocation:
            return revoke_found(registry, entry.line.order, entry.records, now, _Silent())

        with progress.track("revoked", len(found)) as advance:
            done = _in_parallel(pool, revoke_one, found, advance)
    revoked = {record.fingerprint: record for each in done for record in each.revoked}
    already = {record.fingerprint: record for each in done for record in each.already}
    return Revocation(
        tuple(revoked.values()),
        tuple(record for name, record in already.items() if name not in revoked),
    )


class _Silent:
    """One line's steps: the run's progress is shown instead."""

    def step(self, message: str) -> None:
        """Say nothing."""


def _find(
    registry: Registry,
    lines: Sequence[Line],
    now: datetime,
    progress: BulkProgress,
    pool: ThreadPoolExecutor,
) -> list[_Found]:
    def find_one(line: Line) -> _Found | str:
        try:
            return _Found(line, find_all(registry, line.order, now))
        except PkiError as error:
            return f"line {line.number}: {error}"

    with progress.track("found", len(lines)) as advance:
        found = _in_parallel(pool, find_one, lines, advance)
    problems = [entry for entry in found if isinstance(entry, str)]
    if problems:
        raise RegistryError(
            _listed(problems), hint="correct or remove these lines; nothing was revoked"
        )
    return [entry for entry in found if isinstance(entry, _Found)]


def _in_parallel[T, R](
    pool: ThreadPoolExecutor,
    work: Callable[[T], R],
    items: Sequence[T],
    advance: Callable[[int], None],
) -> list[R]:
    """Each item's result, in their order; the first failure ends it, and the rest is not begun."""
    futures = [pool.submit(work, item) for item in items]
    try:
        results = []
        for future in futures:
            results.append(future.result())
            advance(1)
    except BaseException:
        for future in futures:
            future.cancel()
        raise
    return results


def _require_one_reason(found: Iterable[_Found]) -> None:
    first: dict[str, Line] = {}
    problems: list[str] = []
    for entry in found:
        for record in entry.records:
            line = first.setdefault(record.fingerprint, entry.line)
            if line.order.reason is not entry.line.order.reason:
                problems.append(
                    f"line {entry.line.number}: {record.fingerprint} has another reason in line "
                    f"{line.number}"
                )
    if problems:
        raise RegistryError(_listed(problems), hint="give one reason; nothing was revoked")


def _reason(text: str) -> RevocationReason:
    try:
        return RevocationReason(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is none of {', '.join(RevocationReason)}") from error


def _listed(problems: Sequence[str]) -> str:
    more = len(problems) - _SHOWN
    shown = "; ".join(problems[:_SHOWN])
    return f"{shown}; and {more} more lines" if more > 0 else shown
