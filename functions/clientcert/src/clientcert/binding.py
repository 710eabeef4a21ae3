"""What the token endpoint asserts to Cognito's trigger: which certificate the token belongs to.

The statement travels in ``aws_client_metadata``, under a MAC of the KMS key that only the token
endpoint may use to make one and only the trigger to check one. Knowing an app client's secret is
therefore not enough to obtain a token bound to a certificate of one's choice.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

MAXIMUM_AGE_SECONDS = 60
"""How long a statement may be used after it was made."""

MAXIMUM_SKEW_SECONDS = 5
"""How far the clocks of two functions may differ."""

_PATTERNS = {
    "x5t_s256": re.compile(r"[A-Za-z0-9_-]{43}"),
    "client_id": re.compile(r"[A-Za-z0-9_+]{1,128}"),
    "user_pool_id": re.compile(r"[a-z0-9-]{1,30}_[A-Za-z0-9]{1,30}"),
    "issued_at": re.compile(r"[1-9][0-9]{0,11}"),
    "nonce": re.compile(r"[A-Za-z0-9_-]{22,64}"),
}
_MAC = re.compile(r"[A-Za-z0-9_-]{43}")
_MAC_LENGTH = 32


class MalformedStatementError(ValueError):
    """The client metadata carries no statement of the agreed form. The message names the field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BindingStatement:
    """A token for this app client of this user pool belongs to this certificate.

    Attributes:
        x5t_s256: thumbprint of the certificate (RFC 8705, section 3.1).
        client_id: Cognito app client that asks for the token.
        user_pool_id: Cognito user pool that issues it.
        issued_at: when the statement was made, seconds since the epoch.
        nonce: random, base64url; ties the log lines of both functions together.
    """

    x5t_s256: str
    client_id: str
    user_pool_id: str
    issued_at: int
    nonce: str

    def __post_init__(self) -> None:
        for name, value in self._texts().items():
            if not _PATTERNS[name].fullmatch(value):
                raise MalformedStatementError(f"{name}: unexpected form")

    def message(self) -> bytes:
        """The bytes under the MAC: one line a field; no field can hold a line break."""
        lines = (f"{name}={value}" for name, value in sorted(self._texts().items()))
        return "\n".join(("mtls-token-binding/1", *lines)).encode("ascii")

    def to_metadata(self, mac: bytes) -> dict[str, str]:
        """The statement and its MAC as Cognito's client metadata: strings only.

        Args:
            mac: HMAC-SHA-256 over `message`, 32 bytes.
        """
        return {**self._texts(), "mac": base64.urlsafe_b64encode(mac).rstrip(b"=").decode("ascii")}

    def _texts(self) -> dict[str, str]:
        return {field.name: str(getattr(self, field.name)) for field in fields(self)}


@dataclass(frozen=True, slots=True)
class SignedStatement:
    """A statement as it arrived. Worth nothing until the MAC over its message was verified."""

    statement: BindingStatement
    mac: bytes

    @classmethod
    def from_metadata(cls, metadata: object) -> Self:
        """Read what `BindingStatement.to_metadata` wrote; other entries are ignored.

        Raises:
            MalformedStatementError: a field is missing, no string, or not of its form.
        """
        if not isinstance(metadata, Mapping):
            raise MalformedStatementError("client metadata: an object expected")
        texts = {name: _text(metadata, name, pattern) for name, pattern in _PATTERNS.items()}
        statement = BindingStatement(
            x5t_s256=texts["x5t_s256"],
            client_id=texts["client_id"],
            user_pool_id=texts["user_pool_id"],
            issued_at=int(texts["issued_at"]),
            nonce=texts["nonce"],
        )
        mac = base64.urlsafe_b64decode(_text(metadata, "mac", _MAC) + "=")
        if len(mac) != _MAC_LENGTH:
            raise MalformedStatementError("mac: unexpected form")
        return cls(statement, mac)


def _text(metadata: Mapping[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    value = metadata.get(name)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise MalformedStatementError(f"{name}: missing or of unexpected form")
    return value
