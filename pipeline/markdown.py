"""Text that anybody may have written, put where GitHub renders Markdown.

A resource's name, a tag's value, a policy's message that quotes them: none may call people
(``@team``), refer to issues, make a link, an image or HTML, or end the block that it stands in.
https://github.github.com/gfm/
"""

import re

from pipeline.report import printable

_GAP = "\u200b"
"""No width, and no part of a name: what follows an ``@`` is then nobody's."""

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_MENTION = re.compile(r"([@#])")
_REFERENCE = re.compile(r"\b(gh)(?=-\d)", re.IGNORECASE)
_ADDRESS = re.compile(r"(://|\bwww\.)", re.IGNORECASE)
_LINK = re.compile(r"https://[A-Za-z0-9.-]+(?:/[A-Za-z0-9._~/%#?&=+-]*)?")
_BACKTICKS = re.compile(r"`+")


def text(raw: str) -> str:
    """The text as it is, in one line: every sign of Markdown stands for itself."""
    line = printable(" ".join(raw.split()))
    line = _ADDRESS.sub(lambda found: f"{found[0][0]}{_GAP}{found[0][1:]}", line)
    line = _REFERENCE.sub(rf"\1{_GAP}", line)
    line = _MENTION.sub(rf"\1{_GAP}", line)
    return _PUNCTUATION.sub(r"\\\1", line)


def code(raw: str) -> str:
    """The text as code in a line or a table's cell, where GitHub looks for no mentions."""
    line = printable(" ".join(raw.split()))
    if not line:
        return ""
    if "|" in line or "\\" in line:  # a table's cell ends at the first, even within code
        return text(raw)
    fence = "`" * (max((len(run) for run in _BACKTICKS.findall(line)), default=0) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def link(label: str, address: str) -> str:
    """A link to a page that a rule names; the label alone when it is no plain ``https://`` one."""
    return f"[{text(label)}]({address})" if _LINK.fullmatch(address) else text(label)


def block(lines: list[str], language: str = "") -> str:
    """Lines as they are, in a block of code that none of them can end."""
    shown = [printable(line) for line in lines]
    longest = max((len(run) for line in shown for run in _BACKTICKS.findall(line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}{language}", *shown, fence])
