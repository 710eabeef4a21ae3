"""What can go wrong with the edge itself, as opposed to with a caller's request.

``EdgeError``
 +-- ``StateError``            files in the state directory cannot be used
 +-- ``ListenError``           the address cannot be listened on
 +-- ``ControlPlaneError``     the emulator's answer cannot be used
      +-- ``UnreachableError``      the emulator does not answer at all
"""


class EdgeError(Exception):
    """Base of every error the command turns into one message and exit code 1.

    Attributes:
        hint: What the user can do about it, or None.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class StateError(EdgeError):
    """A file in the state directory is missing, damaged, or cannot be written."""


class ListenError(EdgeError):
    """The address is taken, not allowed, or not loopback."""


class ControlPlaneError(EdgeError):
    """The control plane answered something that cannot be used."""


class UnreachableError(ControlPlaneError):
    """The control plane did not answer."""
