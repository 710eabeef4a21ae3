"""What can go wrong between a pull request and its apply.

::

    PipelineError            exit code 1
    ├── UsageError           exit code 2: the arguments make no sense
    ├── RefusedError         a gate said no: policy, approval, staleness, a deletion
    ├── TamperedError        a stored plan is not what was stored
    ├── CommandFailedError   Git, Terragrunt or another program ended with an error
    └── LockedError          somebody else holds a unit's state

Only ``pipeline.__main__`` turns these into words and an exit code.
"""

from typing import ClassVar

__all__ = [
    "CommandFailedError",
    "LockedError",
    "PipelineError",
    "RefusedError",
    "TamperedError",
    "UsageError",
]


class PipelineError(Exception):
    """Something was refused or failed.

    Attributes:
        hint: what the reader can do about it, a sentence; empty when the message says it.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(PipelineError):
    """The arguments make no sense."""

    exit_code: ClassVar[int] = 2


class RefusedError(PipelineError):
    """A gate said no."""


class TamperedError(PipelineError):
    """A stored plan is not what was stored."""


class CommandFailedError(PipelineError):
    """A program that was run to its end failed."""


class LockedError(CommandFailedError):
    """Somebody else holds a unit's state."""
