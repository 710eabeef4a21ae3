"""The page: whatever names hold is text in it, it loads nothing, and 10,000 leaves fit."""

import base64
import hashlib
import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pki.expiry import Item, Kind, Urgency
from pki.report.model import Report
from pki.report.page import render
from pki.report.timeline import MONTHS, months
from tests.pki.support import NOW

DAY = timedelta(days=1)
VOID = {"meta", "input"}
EXPECTED = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "section", "script"),
    *("h1", "h2", "p", "time", "ul", "li", "strong", "span", "figure", "figcaption", "div"),
    *("svg", "desc", "line", "text", "rect"),
    *("label", "input", "output", "table", "thead", "tbody", "tr", "th", "td", "button", "code"),
}


def leaf(days: float, name: str = "device-001", *, renewed: bool = False, **changes: str) -> Item:
    return Item(
        kind=Kind(changes.get("kind", Kind.LEAF)),
        name=name,
        identifier=changes.get("identifier", "a" * 64),
        issuer=changes.get("issuer", "CN=example dev Issuing CA G1"),
        begins=NOW - 300 * DAY,
        ends=NOW + days * DAY,
        renewed=renewed,
    )


def page(*items: Item, notes: tuple[str, ...] = ()) -> str:
    return render(
        Report(organization="example", environment="dev", made_at=NOW, items=items, notes=notes)
    )


class Reader(HTMLParser):
    """A browser's view of the page: elements, attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self.rows = 0
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "td":
            self.cells.append("")
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "td" in self._open:
            self.cells[-1] += data


hostile = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\x00"), min_size=1
) | st.sampled_from(
    ["<script>alert(1)</script>", "</title><img src=x onerror=alert(1)>", "\"' onload='x", "&lt;"]
)


@given(hostile, hostile, hostile, st.sampled_from(Kind))
@example("</text></svg><script>alert(1)</script>", "</td>", '"><b onclick="x">', Kind.SERVER)
def test_whatever_a_name_holds_is_text(name: str, issuer: str, identifier: str, kind: Kind) -> None:
    item = leaf(3, name, issuer=issuer, identifier=identifier, kind=kind)
    read = Reader(page(item, notes=(name,)))
    assert {tag for tag, _ in read.elements} <= EXPECTED
    assert [attributes for _, attributes in read.elements if any_handler(attributes)] == []
    assert read.cells[4:7] == [name, issuer, identifier]


def any_handler(attributes: dict[str, str | None]) -> bool:
    return any(name.startswith("on") for name in attributes)


def test_the_page_asks_for_nothing() -> None:
    read = Reader(page(leaf(3), leaf(900, kind=Kind.ROOT_CA)))
    names = {name for _, attributes in read.elements for name in attributes}
    assert names.isdisjoint({"src", "href", "action", "srcset", "data", "style", "background"})
    assert not re.search(r"@import|url\(", page(leaf(3)))


def test_only_the_pages_own_style_and_script_are_allowed() -> None:
    text = page(leaf(3))
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy is not None
    directives = dict(entry.split(" ", 1) for entry in policy[1].split("; "))
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert directives[directive] == f"'sha256-{digest}'"
    assert directives["default-src"] == directives["base-uri"] == "'none'"


def test_every_item_is_a_row_in_the_order_in_which_they_end() -> None:
    read = Reader(page(leaf(40, "later"), leaf(2, "soon"), leaf(-1, "gone")))
    assert read.cells[4::7] == ["gone", "soon", "later"]
    assert read.cells[2::7] == ["expired", "under 7 days", "under 60 days"]


def test_what_is_renewed_has_a_colour_of_its_own() -> None:
    assert '<span class="badge renewed">renewed</span>' in page(leaf(2, renewed=True))


def test_pictures_have_words() -> None:
    text = page(leaf(3), leaf(900, "CN=root & co", kind=Kind.ROOT_CA))
    assert '<desc id="bars-words">November 2026: 1</desc>' in text
    assert "root CA CN=root &amp; co: 2026-01-28 to 2029-05-12</desc>" in text


def test_what_could_not_be_read_is_said() -> None:
    assert "<li>the CAs could not be read: no &lt;bucket&gt;</li>" in page(
        notes=("the CAs could not be read: no <bucket>",)
    )


@pytest.mark.parametrize("count", [0, 1, 10_000])
def test_the_picture_stays_as_small_whatever_the_fleet(count: int) -> None:
    items = [leaf(number % 360, f"device-{number}") for number in range(count)]
    text = page(*items)
    assert text.count("<rect") < MONTHS * (len(Urgency) + 1) + 20
    assert text.count("<tr>") == count + 1


def test_months_begin_with_this_one_and_hold_what_ends_in_them() -> None:
    items = [leaf(-3), leaf(0.5), leaf(40), leaf(41, renewed=True), leaf(364), leaf(2000)]
    found = months(items, NOW)
    assert [month.begins.strftime("%Y-%m") for month in found[:3]] == [
        "2026-11",
        "2026-12",
        "2027-01",
    ]
    assert found[0].due == {Urgency.EXPIRED: 1, Urgency.WITHIN_1_DAY: 1}
    assert (found[2].due, found[2].renewed) == ({Urgency.WITHIN_60_DAYS: 1}, 1)
    assert found[-1].due == {Urgency.LATER: 1}
    assert sum(month.total for month in found) == len(items) - 1


@given(st.lists(st.floats(-400, 370), max_size=30))
def test_the_months_hold_all_that_ends_within_them(days: list[float]) -> None:
    found = months([leaf(day) for day in days], NOW)
    assert sum(month.total for month in found) == len(days)


def test_json_tells_the_same() -> None:
    document = Report(
        organization="example", environment="dev", made_at=NOW, items=(leaf(1.5),)
    ).to_document()
    assert document["items"] == [
        {
            "kind": "leaf",
            "name": "device-001",
            "identifier": "a" * 64,
            "issuer": "CN=example dev Issuing CA G1",
            "begins": "2026-01-28T12:00:00Z",
            "ends": "2026-11-26T00:00:00Z",
            "days_left": 1.5,
            "urgency": "within-7-days",
            "renewed": False,
        }
    ]
