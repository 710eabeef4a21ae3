"""What can go wrong on the laptop.

::

    LocalError               exit code 1
    ├── UsageError           exit code 2: a setting makes no sense
    ├── PortTakenError       another program listens where the platform should
    ├── NotRunningError      the platform, or a part of it, is not up
    ├── ProcessError         a background process did not start, or does not end
    └── CommandFailedError   Terragrunt or another program ended with an error

Only ``local.__main__`` turns these into words and an exit code.
"""

from typing import ClassVar

__all__ = [
    "CommandFailedError",
    "LocalError",
    "NotRunningError",
    "PortTakenError",
    "ProcessError",
    "UsageError",
]


class LocalError(Exception):
    """Something failed that the person at the keyboard can put right.

    Attributes:
        hint: what to do about it, a sentence; empty when the message says it.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(LocalError):
    """A setting makes no sense."""

    exit_code: ClassVar[int] = 2


class PortTakenError(LocalError):
    """Another program listens where the platform should."""


class NotRunningError(LocalError):
    """The platform, or the part of it that is needed, is not up."""


class ProcessError(LocalError):
    """A background process did not start, or does not end."""


class CommandFailedError(LocalError):
    """A program that was run to its end failed."""
