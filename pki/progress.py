"""How a library function says where it is, without printing."""

from typing import Protocol


class Progress(Protocol):
    """Told of each step as it is done."""

    def step(self, message: str) -> None:
        """One step is done; the message holds nothing secret."""
        ...
