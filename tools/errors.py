"""What goes wrong in the tools, in words that say what to do."""

import sys
from collections.abc import Callable
from typing import ClassVar


class ToolsError(Exception):
    """Something that the person at the keyboard can put right.

    Attributes:
        hint: What to do about it, a sentence; empty when the message says it.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(ToolsError):
    """The arguments make no sense."""

    exit_code: ClassVar[int] = 2


def exit_code(command: Callable[[], int]) -> int:
    """Runs a command and turns its errors into a message and an exit code.

    Returns:
        What the command returned, 1 when it raised ToolsError, 2 when that was UsageError, 130
        when it was interrupted.
    """
    try:
        return command()
    except ToolsError as error:
        print(f"error: {error}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
