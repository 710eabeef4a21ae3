"""Whatever somebody wrote: on GitHub it is text, and calls nobody."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import markdown

HOSTILE = [
    "@example-org/security please approve",
    "fixes #1",
    "GH-12",
    "</details><script>alert(1)</script>",
    "<!-- aws-api-gateway-mtls: plan -->",
    "![x](https://evil.example/x.png)",
    "[approve](https://evil.example)",
    "https://evil.example",
    "www.evil.example",
    "```\n# heading\n```",
    "| a | b |",
    "# heading",
    "\x1b[31m",
    "\u202eback",
    "&#64;someone",
    ":tada:",
    "~~gone~~ **bold** `code`",
]
# Printable on purpose: what is left then is for Markdown to misread.
anything = st.text(st.characters(codec="utf-8")) | st.sampled_from(HOSTILE)


def bare(rendered: str) -> str:
    """Without what a backslash escapes: what Markdown would still read as its own."""
    return re.sub(r"\\[!-/:-@\[-`{-~]", "", rendered)


@given(anything)
def test_no_sign_of_markdown_is_left_unescaped(raw: str) -> None:
    rendered = markdown.text(raw)

    assert "\n" not in rendered
    assert not re.search(r"[!-/:-@\[-`{-~]", bare(rendered))


@given(anything)
def test_nobody_is_mentioned_and_nothing_referred_to(raw: str) -> None:
    read = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown.text(raw))

    assert not re.search(r"[@#]\w", read)
    assert not re.search(r"\bGH-\d", read, re.IGNORECASE)
    assert "://" not in read


@given(anything)
def test_code_ends_only_where_it_should(raw: str) -> None:
    rendered = markdown.code(raw)

    if rendered.startswith("`"):
        fence = re.match(r"`+", rendered)
        assert fence is not None
        runs = [len(run) for run in re.findall(r"`+", rendered)]
        assert [run for run in runs if run == len(fence[0])] == [len(fence[0])] * 2
        assert "|" not in rendered
    else:
        assert not re.search(r"[!-/:-@\[-`{-~]", bare(rendered))


@given(st.lists(anything, max_size=5))
def test_no_line_ends_its_block(lines: list[str]) -> None:
    first, *inner, last = markdown.block(lines).split("\n")

    assert len(inner) == len(lines)
    assert first == last
    assert not [line for line in inner if line.strip().startswith(last)]


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "http://a.example", "https://a.example/)x", "https://a b", ""],
)
def test_a_link_is_a_plain_https_one_or_none(address: str) -> None:
    assert markdown.link("A-001", address) == r"A\-001"


def test_a_rules_page_is_linked() -> None:
    assert markdown.link("x", "https://a.example/b#c") == "[x](https://a.example/b#c)"


def test_what_is_escaped_reads_as_it_was() -> None:
    assert markdown.text("a_b *c*") == r"a\_b \*c\*"
