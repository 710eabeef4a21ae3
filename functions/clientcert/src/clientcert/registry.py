"""The registry's schema: one DynamoDB item a certificate, keyed by its fingerprint."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

BY_CLIENT_ID_INDEX = "by-client-id"
"""Global secondary index: partition key ``client_id``, sort key ``issued_at``. Lags; for people."""

BY_SERIAL_NUMBER_INDEX = "by-serial-number"
"""Global secondary index: partition key ``serial_number``. Two CAs may have used one number."""

_TIMESTAMP = "%Y-%m-%dT%H:%M:%SZ"
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_SERIAL_NUMBER = re.compile(r"[1-9][0-9]{0,48}")
_SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")  # scope-token of RFC 6749, section 3.3


class MalformedRecordError(ValueError):
    """A registry item that does not follow the schema. The message names the attribute."""


class Status(StrEnum):
    """Whether the certificate may be used."""

    ACTIVE = "active"
    REVOKED = "revoked"


class RevocationReason(StrEnum):
    """CRLReason names of RFC 5280, section 5.3.1; ``removeFromCRL`` is no reason to revoke."""

    UNSPECIFIED = "unspecified"
    KEY_COMPROMISE = "keyCompromise"
    CA_COMPROMISE = "cACompromise"
    AFFILIATION_CHANGED = "affiliationChanged"
    SUPERSEDED = "superseded"
    CESSATION_OF_OPERATION = "cessationOfOperation"
    CERTIFICATE_HOLD = "certificateHold"
    PRIVILEGE_WITHDRAWN = "privilegeWithdrawn"
    AA_COMPROMISE = "aACompromise"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryRecord:
    """One certificate that the environment knows.

    Attributes:
        fingerprint: SHA-256 of the DER, 64 lower-case hexadecimal digits.
        client_id: the device's name, the certificate's common name.
        serial_number: decimal string, as API Gateway shows it.
        issuer: distinguished name of the issuing CA (RFC 4514).
        not_before: start of validity, UTC; times are kept to the second.
        not_after: end of validity, UTC.
        status: active or revoked.
        scopes: the OAuth scopes the device may ask for.
        cognito_client_id: the app client that its tokens are issued to.
        issued_at: when the record was written, UTC.
        revoked_at: when it was revoked, UTC; only with status revoked.
        revocation_reason: RFC 5280 name; only with status revoked.
        retires_at: from when on its renewal has replaced it, UTC; None as long as none has.
        renewed_from: fingerprint of the certificate that this one renews, or None.
    """

    fingerprint: str
    client_id: str
    serial_number: str
    issuer: str
    not_before: datetime
    not_after: datetime
    status: Status
    scopes: frozenset[str]
    cognito_client_id: str
    issued_at: datetime
    revoked_at: datetime | None = None
    revocation_reason: RevocationReason | None = None
    retires_at: datetime | None = None
    renewed_from: str | None = None

    def __post_init__(self) -> None:
        if not _FINGERPRINT.fullmatch(self.fingerprint):
            raise MalformedRecordError("fingerprint: 64 lower-case hexadecimal digits expected")
        if not _SERIAL_NUMBER.fullmatch(self.serial_number):
            raise MalformedRecordError("serial_number: a positive decimal number expected")
        for name in ("client_id", "issuer", "cognito_client_id"):
            if not getattr(self, name):
                raise MalformedRecordError(f"{name}: must not be empty")
        if self.renewed_from is not None and not _FINGERPRINT.fullmatch(self.renewed_from):
            raise MalformedRecordError("renewed_from: 64 lower-case hexadecimal digits expected")
        self._check_scopes()
        self._check_times()
        revoked = self.status is Status.REVOKED
        if revoked != (self.revoked_at is not None) or revoked != (
            self.revocation_reason is not None
        ):
            raise MalformedRecordError(
                "revoked_at, revocation_reason: expected exactly when status is revoked"
            )

    def _check_scopes(self) -> None:
        if not self.scopes:
            raise MalformedRecordError("scopes: at least one scope expected")
        if not all(_SCOPE.fullmatch(scope) for scope in self.scopes):
            raise MalformedRecordError("scopes: a scope holds no space, quote or control character")

    def _check_times(self) -> None:
        for name in ("not_before", "not_after", "issued_at", "revoked_at", "retires_at"):
            moment = getattr(self, name)
            if moment is not None and moment.utcoffset() is None:
                raise MalformedRecordError(f"{name}: a time zone is missing")
        if self.not_before > self.not_after:
            raise MalformedRecordError("not_after: must not lie before not_before")

    def is_usable(self, now: datetime) -> bool:
        """Whether the certificate may be used now: active, within its validity, not retired."""
        within = self.not_before <= now <= self.not_after
        return self.status is Status.ACTIVE and within and not self.is_retired(now)

    @property
    def usable_until(self) -> datetime:
        """When it stops being usable, if nobody revokes it before."""
        return self.not_after if self.retires_at is None else min(self.not_after, self.retires_at)

    def is_retired(self, now: datetime) -> bool:
        """Whether its renewal has replaced it: time does that, nobody has to mark it."""
        return self.retires_at is not None and self.retires_at <= now

    def to_item(self) -> dict[str, Any]:
        """The record as a DynamoDB item in attribute-value form (``{"S": ...}``)."""
        item: dict[str, Any] = {
            "fingerprint": {"S": self.fingerprint},
            "client_id": {"S": self.client_id},
            "serial_number": {"S": self.serial_number},
            "issuer": {"S": self.issuer},
            "not_before": {"S": _format(self.not_before)},
            "not_after": {"S": _format(self.not_after)},
            "status": {"S": self.status.value},
            "scopes": {"SS": sorted(self.scopes)},
            "cognito_client_id": {"S": self.cognito_client_id},
            "issued_at": {"S": _format(self.issued_at)},
        }
        if self.revoked_at is not None and self.revocation_reason is not None:
            item["revoked_at"] = {"S": _format(self.revoked_at)}
            item["revocation_reason"] = {"S": self.revocation_reason.value}
        if self.retires_at is not None:
            item["retires_at"] = {"S": _format(self.retires_at)}
        if self.renewed_from is not None:
            item["renewed_from"] = {"S": self.renewed_from}
        return item

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        """Read an item as DynamoDB's GetItem returns it.

        Raises:
            MalformedRecordError: an attribute is missing or has the wrong type or value.
        """
        return cls(
            fingerprint=_string(item, "fingerprint"),
            client_id=_string(item, "client_id"),
            serial_number=_string(item, "serial_number"),
            issuer=_string(item, "issuer"),
            not_before=_timestamp(item, "not_before"),
            not_after=_timestamp(item, "not_after"),
            status=_member(Status, item, "status"),
            scopes=_string_set(item, "scopes"),
            cognito_client_id=_string(item, "cognito_client_id"),
            issued_at=_timestamp(item, "issued_at"),
            revoked_at=_timestamp(item, "revoked_at") if "revoked_at" in item else None,
            revocation_reason=(
                _member(RevocationReason, item, "revocation_reason")
                if "revocation_reason" in item
                else None
            ),
            retires_at=_timestamp(item, "retires_at") if "retires_at" in item else None,
            renewed_from=_string(item, "renewed_from") if "renewed_from" in item else None,
        )


def _format(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime(_TIMESTAMP)


def _string(item: Mapping[str, Any], name: str) -> str:
    value = _attribute(item, name, "S")
    if not isinstance(value, str):
        raise MalformedRecordError(f"{name}: string expected")
    return value


def _string_set(item: Mapping[str, Any], name: str) -> frozenset[str]:
    value = _attribute(item, name, "SS")
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise MalformedRecordError(f"{name}: string set expected")
    return frozenset(value)


def _timestamp(item: Mapping[str, Any], name: str) -> datetime:
    text = _string(item, name)
    expected = f"{name}: UTC time such as 2026-01-31T12:00:00Z expected"
    try:
        moment = datetime.strptime(text, _TIMESTAMP).replace(tzinfo=UTC)
    except ValueError as error:
        raise MalformedRecordError(expected) from error
    if _format(moment) != text:
        raise MalformedRecordError(expected)
    return moment


def _member[E: StrEnum](enumeration: type[E], item: Mapping[str, Any], name: str) -> E:
    value = _string(item, name)
    try:
        return enumeration(value)
    except ValueError as error:
        allowed = ", ".join(member.value for member in enumeration)
        raise MalformedRecordError(f"{name}: one of {allowed} expected") from error


def _attribute(item: Mapping[str, Any], name: str, kind: str) -> Any:
    value = item.get(name)
    if not isinstance(value, Mapping) or set(value) != {kind}:
        raise MalformedRecordError(f"{name}: attribute of type {kind} expected")
    return value[kind]
