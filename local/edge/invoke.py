"""Calling Lambda functions: what the gateway needs of them, apart from how it is done."""

from typing import Protocol

from local.edge.model import FunctionRef


class InvokeError(Exception):
    """The function gave no result. Its text is a reason code for the log."""


class FunctionFailedError(InvokeError):
    """The function raised, ran out of its own time, or does not exist."""


class InvokeTimeoutError(InvokeError):
    """The function did not answer within the caller's limit."""


class InvokeUnavailableError(InvokeError):
    """The function could not be reached, or it is being throttled."""


class Invoke(Protocol):
    """Calls a function and waits for its result."""

    def __call__(self, function: FunctionRef, event: dict[str, object], seconds: float) -> object:
        """Call a function synchronously.

        Args:
            function: What to call.
            event: The payload.
            seconds: How long to wait.

        Returns:
            The parsed JSON result.

        Raises:
            InvokeError: There is no result; one of its three kinds says why.
        """
        ...
