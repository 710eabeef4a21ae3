"""What goes wrong in the tools, in words that say what to do."""

import sys
from collections.abc import Callable


class ToolsError(Exception):
    """Something that the person at the keyboard can put right.

    Attributes:
        hint: What to do about it, a sentence; empty when the message says it.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def exit_code(command: Callable[[], int]) -> int:
    """Runs a command and turns its errors into a message and an exit code.

    Returns:
        What the command returned, 1 when it raised ToolsError, 130 when it was interrupted.
    """
    try:
        return command()
    except ToolsError as error:
        print(f"error: {error}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
