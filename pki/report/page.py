"""The report as one HTML page that needs nothing else: no font, script or picture from elsewhere.

Names come from whoever had a certificate: all text is escaped, and a Content-Security-Policy lets
nothing run but the page's own script, by its digest. Nothing may be fetched.
"""

import base64
import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from html import escape
from importlib.resources import files

from pki.expiry import Item, Kind, Urgency
from pki.report.model import Report
from pki.report.timeline import Month, months
from pki.report.wording import KINDS, URGENCIES, days_left, state

_STYLE = files(__package__).joinpath("page.css").read_text("utf-8")
_SCRIPT = files(__package__).joinpath("page.js").read_text("utf-8")

_WIDTH, _LEFT, _RIGHT = 960, 44, 12
_BAR_HEIGHT, _BAR_BASE = 190, 222
_ROW, _LABEL = 40, 260
_ROOM_FOR_YEAR = 44
_NICE_STEPS = (1, 2, 5)


def render(report: Report) -> str:
    """The whole page."""
    now, items = report.made_at, report.items
    leaves = [item for item in items if item.kind is Kind.LEAF]
    others = [item for item in items if item.kind is not Kind.LEAF]
    title = f"{report.organization} {report.environment}: what ends when"
    return "".join(
        (
            "<!doctype html>\n",
            '<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_policy()}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            '<meta name="referrer" content="no-referrer">',
            f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>",
            f"<header><h1>{escape(title)}</h1>",
            f"<p>As of <time>{_time(now)}</time>. ",
            f"{len(items):,} certificates, {sum(item.renewed for item in items):,} of them ",
            "renewed already.</p></header>\n<main>",
            _notes(report.notes),
            _tiles(report),
            _clients(leaves, now),
            _authorities(others, now),
            _table(items, now),
            f"</main><script>{_SCRIPT}</script></body></html>\n",
        )
    )


def _policy() -> str:
    style, script = (_digest(text) for text in (_STYLE, _SCRIPT))
    allowed = f"style-src '{style}'; script-src '{script}'"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"


def _notes(notes: Sequence[str]) -> str:
    if not notes:
        return ""
    listed = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return f'<section class="notes"><h2>Not in this report</h2><ul>{listed}</ul></section>\n'


def _tiles(report: Report) -> str:
    tiles = "".join(
        f'<li class="tile {urgency}{"" if count else " none"}">'
        f"<strong>{count:,}</strong> <span>{URGENCIES[urgency]}</span></li>"
        for urgency, count in report.urgencies.items()
    )
    return f'<section><h2 class="hidden">How urgent</h2><ul class="tiles">{tiles}</ul></section>\n'


def _clients(leaves: Sequence[Item], now: datetime) -> str:
    if not leaves:
        return "<section><h2>Clients</h2><p>There are none.</p></section>\n"
    ahead = months(leaves, now)
    shown = sum(month.total for month in ahead)
    later = f" {len(leaves) - shown:,} end after that." if shown < len(leaves) else ""
    return (
        "<section><h2>Clients, by the month in which they end</h2>"
        f'<figure><div class="scroll">{"".join(_bars(ahead))}</div>'
        f"<figcaption>{shown:,} certificates of clients end in these {len(ahead)} months.{later} "
        f"{_legend()}</figcaption></figure></section>\n"
    )


def _legend() -> str:
    entries = [(urgency.value, words) for urgency, words in URGENCIES.items()]
    return "".join(
        f'<span class="key"><svg width="12" height="12" aria-hidden="true">'
        f'<rect class="{name}" width="12" height="12" rx="2"/></svg> {words}</span>'
        for name, words in [*entries, ("renewed", "renewed")]
    )


def _bars(ahead: Sequence[Month]) -> Iterator[str]:
    top = _nice(max((month.total for month in ahead), default=0))
    room = (_WIDTH - _LEFT - _RIGHT) / len(ahead)
    words = "; ".join(f"{month.begins:%B %Y}: {month.total}" for month in ahead if month.total)
    yield (
        f'<svg viewBox="0 0 {_WIDTH} 262" role="img" aria-labelledby="bars-title bars-words">'
        '<title id="bars-title">Certificates of clients that end, per month</title>'
        f'<desc id="bars-words">{words or "none"}</desc>'
    )
    for part in (0, 0.5, 1):
        height = _BAR_BASE - part * _BAR_HEIGHT
        yield (
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" '
            f'y1="{height:.1f}" y2="{height:.1f}"/>'
        )
        if (top * part).is_integer():
            yield (
                f'<text class="axis end" x="{_LEFT - 6}" y="{height + 4:.1f}">'
                f"{int(top * part):,}</text>"
            )
    for place, month in enumerate(ahead):
        yield from _bar(month, _LEFT + place * room, room, top)
    yield "</svg>"


def _bar(month: Month, left: float, room: float, top: int) -> Iterator[str]:
    width, base = room * 0.66, float(_BAR_BASE)
    centre = left + room / 2
    parts = [(urgency.value, URGENCIES[urgency], count) for urgency, count in month.due.items()]
    for name, words, count in [*parts, ("renewed", "renewed", month.renewed)]:
        if not count:
            continue
        height = max(1.5, count / top * _BAR_HEIGHT)
        base -= height
        yield (
            f'<rect class="{name}" x="{centre - width / 2:.1f}" y="{base:.1f}" '
            f'width="{width:.1f}" height="{height:.1f}">'
            f"<title>{month.begins:%B %Y}: {count:,} {words}</title></rect>"
        )
    if month.total:
        yield f'<text class="count" x="{centre:.1f}" y="{base - 5:.1f}">{month.total:,}</text>'
    yield f'<text class="axis" x="{centre:.1f}" y="{_BAR_BASE + 17}">{month.begins:%b}</text>'
    if month.begins.month == 1 or left == _LEFT:
        yield (
            f'<text class="axis year" x="{centre:.1f}" y="{_BAR_BASE + 33}">'
            f"{month.begins:%Y}</text>"
        )


def _nice(most: int) -> int:
    """The top of the axis: 1, 2 or 5 times a power of ten, and an even number where it can be."""
    scale = 1
    while True:
        for step in _NICE_STEPS:
            if step * scale >= most:
                return step * scale
        scale *= 10


def _authorities(items: Sequence[Item], now: datetime) -> str:
    if not items:
        return ""
    return (
        "<section><h2>Authorities, truststore and server</h2>"
        f'<figure><div class="scroll">{"".join(_lives(items, now))}</div>'
        "<figcaption>Each bar is a validity: what has passed is pale, what is left has the colour "
        "of its urgency.</figcaption></figure></section>\n"
    )


def _lives(items: Sequence[Item], now: datetime) -> Iterator[str]:
    first = min(now, *(item.begins for item in items))
    last = max(now, *(item.ends for item in items))
    span = max(last - first, timedelta(days=1))
    height = 30 + _ROW * len(items)

    def place(moment: datetime) -> float:
        return _LABEL + (moment - first) / span * (_WIDTH - _LABEL - _RIGHT)

    yield (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-labelledby="lives-title lives-words">'
        '<title id="lives-title">Validity of authorities, truststore entries and server</title>'
        f'<desc id="lives-words">{"; ".join(_sentence(item) for item in items)}</desc>'
    )
    yield from _years(first, last, place, height)
    for row, item in enumerate(items):
        yield from _life(item, 26 + row * _ROW, place, now)
    today = place(now)
    yield (
        f'<line class="today" x1="{today:.1f}" x2="{today:.1f}" y1="18" y2="{height}"/>'
        f'<text class="axis now" x="{today:.1f}" y="12">today</text></svg>'
    )


def _years(
    first: datetime, last: datetime, place: Callable[[datetime], float], height: int
) -> Iterator[str]:
    """Lines at the turns of years, as many as there is room for."""
    turns = [datetime(year, 1, 1, tzinfo=UTC) for year in range(first.year + 1, last.year + 1)]
    fit = (_WIDTH - _LABEL) // _ROOM_FOR_YEAR
    for turn in turns[:: -(-len(turns) // fit) or 1]:
        across = place(turn)
        yield (
            f'<line class="grid" x1="{across:.1f}" x2="{across:.1f}" y1="18" y2="{height}"/>'
            f'<text class="axis" x="{across:.1f}" y="12">{turn:%Y}</text>'
        )


def _life(item: Item, top: int, place: Callable[[datetime], float], now: datetime) -> Iterator[str]:
    begins, ends = place(item.begins), place(item.ends)
    split = min(max(place(now), begins), ends)
    colour = "renewed" if item.renewed else item.urgency(now).value
    title = f"<title>{_sentence(item)}</title>"
    yield (
        f'<text class="name" x="0" y="{top + 12}">{escape(_short(item.name))}</text>'
        f'<text class="kind" x="0" y="{top + 27}">{KINDS[item.kind]}, {state(item, now)}</text>'
    )
    for left, right, name in ((begins, split, "passed"), (split, ends, colour)):
        # What ended still shows: its whole bar is pale, with its colour at the end.
        width = right - left if name == "passed" else max(right - left, 3)
        yield (
            f'<rect class="{name}" x="{left:.1f}" y="{top + 3}" width="{width:.1f}" '
            f'height="16" rx="3">{title}</rect>'
        )


def _short(name: str, most: int = 36) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}\N{HORIZONTAL ELLIPSIS}"


def _sentence(item: Item) -> str:
    return escape(f"{KINDS[item.kind]} {item.name}: {item.begins:%Y-%m-%d} to {item.ends:%Y-%m-%d}")


_COLUMNS = ("ends (UTC)", "days left", "state", "kind", "name", "issuer", "identifier")


def _table(items: Sequence[Item], now: datetime) -> str:
    heads = "".join(
        f'<th scope="col" aria-sort="{"ascending" if name == _COLUMNS[0] else "none"}">'
        f'<button type="button">{name}</button></th>'
        for name in _COLUMNS
    )
    rows = "".join(_row(item, now) for item in items)
    return (
        '<section><h2>All of them</h2><p id="finder" hidden><label>Show only rows with '
        '<input type="search" id="wanted" autocomplete="off"></label> '
        '<output id="found" for="wanted"></output></p>'
        f'<div class="scroll"><table id="all"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div></section>\n"
    )


def _row(item: Item, now: datetime) -> str:
    colour = "renewed" if item.renewed else item.urgency(now).value
    rank = len(Urgency) if item.renewed else list(Urgency).index(item.urgency(now))
    identifier = escape(item.identifier)
    return (
        f"<tr><td>{_time(item.ends)}</td>"
        f'<td class="number">{days_left(item, now)}</td>'
        f'<td data-rank="{rank}"><span class="badge {colour}">{state(item, now)}</span></td>'
        f"<td>{KINDS[item.kind]}</td><td>{escape(item.name)}</td><td>{escape(item.issuer)}</td>"
        f'<td><code title="{identifier}">{identifier}</code></td></tr>\n'
    )


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
