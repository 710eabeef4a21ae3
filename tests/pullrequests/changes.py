"""What somebody changes in a pull request: a few edits, each of which must find its place."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

type Edit = Callable[[Path], None]
"""Changes a checkout."""


@dataclass(frozen=True)
class Change:
    """A pull request's content.

    Attributes:
        title: of its commit.
        edits: what it does, in order.
    """

    title: str
    edits: tuple[Edit, ...]

    def apply(self, checkout: Path) -> None:
        for edit in self.edits:
            edit(checkout)


def change(title: str, *edits: Edit) -> Change:
    return Change(title, edits)


def replace(path: str, old: str, new: str) -> Edit:
    """Put something else in the place of a text that the file holds once."""

    def edit(checkout: Path) -> None:
        file = checkout / path
        text = file.read_text("utf-8")
        assert text.count(old) == 1, f"{path} holds {old!r} {text.count(old)} times"
        file.write_text(text.replace(old, new), "utf-8")

    return edit


def append(path: str, text: str) -> Edit:
    """Add to the end of a file."""

    def edit(checkout: Path) -> None:
        with (checkout / path).open("a", encoding="utf-8") as file:
            file.write(text)

    return edit


def write(path: str, text: str) -> Edit:
    """Make a file, or write it anew."""

    def edit(checkout: Path) -> None:
        file = checkout / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")

    return edit


def remove(path: str) -> Edit:
    """Remove a folder."""

    def edit(checkout: Path) -> None:
        shutil.rmtree(checkout / path)

    return edit
