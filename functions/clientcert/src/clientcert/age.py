"""How old what a function remembers is, although Lambda may freeze it in between.

A frozen execution environment keeps its memory. Its monotonic clock may stand still meanwhile, and
its wall clock may be set: neither alone can be trusted with how long a revocation goes unnoticed.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment on both clocks.

    Attributes:
        uptime: seconds on the monotonic clock; may stand still while the function is frozen.
        wall: seconds since the epoch; may be set.
    """

    uptime: float
    wall: float

    def seconds_since(self, earlier: "Moment") -> float:
        """The longest time that can have passed; infinite when the wall clock ran backwards."""
        if self.wall < earlier.wall:
            return float("inf")
        return max(self.uptime - earlier.uptime, self.wall - earlier.wall)


type Clock = Callable[[], Moment]
"""Tells the moment."""


def read_clocks() -> Moment:
    """The moment, on this machine's clocks."""
    return Moment(uptime=time.monotonic(), wall=time.time())
