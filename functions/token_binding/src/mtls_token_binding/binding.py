"""The decision: is there a statement of ours, and what does it bind the token to?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from clientcert import (
    MAXIMUM_AGE_SECONDS,
    MAXIMUM_SKEW_SECONDS,
    BindingStatement,
    MalformedStatementError,
    SignedStatement,
)

TRIGGER_SOURCE = "TokenGeneration_ClientCredentials"

_TRIGGER_VERSION = "3"


class Refusal(StrEnum):
    """The closed list of reasons. With any of them Cognito issues no token."""

    EVENT_MALFORMED = "event_malformed"
    VERSION_WRONG = "version_wrong"
    TRIGGER_WRONG = "trigger_wrong"
    STATEMENT_MISSING = "statement_missing"
    STATEMENT_MALFORMED = "statement_malformed"
    MAC_INVALID = "mac_invalid"
    STATEMENT_EXPIRED = "statement_expired"
    STATEMENT_NOT_YET_VALID = "statement_not_yet_valid"
    CLIENT_MISMATCH = "client_mismatch"
    USER_POOL_MISMATCH = "user_pool_mismatch"
    INTERNAL_ERROR = "internal_error"


class RefusedError(Exception):
    """The token is not bound, so none may be issued; `reason` says why."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class TriggerRequest:
    """What Cognito asks about.

    Attributes:
        version: the trigger event's version, ``3`` for V3_0.
        trigger_source: why a token is made.
        user_pool_id: the pool that makes it.
        client_id: the app client that it is for.
        metadata: the client metadata of the token request, or None; anything its sender chose.
    """

    version: str
    trigger_source: str
    user_pool_id: str
    client_id: str
    metadata: object

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> Self:
        """Read a pre-token-generation event.

        Raises:
            RefusedError: it is none.
        """
        try:
            return cls(
                version=str(event["version"]),
                trigger_source=str(event["triggerSource"]),
                user_pool_id=str(event["userPoolId"]),
                client_id=str(event["callerContext"]["clientId"]),
                metadata=event["request"].get("clientMetadata"),
            )
        except (KeyError, TypeError, AttributeError):
            raise RefusedError(Refusal.EVENT_MALFORMED) from None


def checked_statement(
    request: TriggerRequest, *, is_genuine: Callable[[bytes, bytes], bool], now: float
) -> BindingStatement:
    """The statement that the token endpoint made for exactly this token request.

    Args:
        request: what Cognito asks about.
        is_genuine: whether a MAC (second) fits a message (first).
        now: seconds since the epoch.

    Raises:
        RefusedError: there is none.
    """
    if request.version != _TRIGGER_VERSION:
        raise RefusedError(Refusal.VERSION_WRONG)
    if request.trigger_source != TRIGGER_SOURCE:
        raise RefusedError(Refusal.TRIGGER_WRONG)
    if request.metadata is None:
        raise RefusedError(Refusal.STATEMENT_MISSING)
    try:
        signed = SignedStatement.from_metadata(request.metadata)
    except MalformedStatementError:
        raise RefusedError(Refusal.STATEMENT_MALFORMED) from None
    statement = signed.statement
    if not is_genuine(statement.message(), signed.mac):
        raise RefusedError(Refusal.MAC_INVALID)
    if now - statement.issued_at > MAXIMUM_AGE_SECONDS:
        raise RefusedError(Refusal.STATEMENT_EXPIRED)
    if statement.issued_at - now > MAXIMUM_SKEW_SECONDS:
        raise RefusedError(Refusal.STATEMENT_NOT_YET_VALID)
    if statement.client_id != request.client_id:
        raise RefusedError(Refusal.CLIENT_MISMATCH)
    if statement.user_pool_id != request.user_pool_id:
        raise RefusedError(Refusal.USER_POOL_MISMATCH)
    return statement
