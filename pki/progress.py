"""How a library function says where it is, without printing."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol


class Progress(Protocol):
    """Told of each step as it is done."""

    def step(self, message: str) -> None:
        """One step is done; the message holds nothing secret."""
        ...


class BulkProgress(Progress, Protocol):
    """Told of steps, and of how far a long one is."""

    def track(self, label: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
        """Show a long step; what it yields is called with how much more is done."""
        ...
