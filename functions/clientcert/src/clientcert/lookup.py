"""From a presented certificate to its record: by fingerprint, and never from a stale replica."""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from clientcert.fingerprint import MalformedCertificateError, der_from_pem
from clientcert.registry import MalformedRecordError, RegistryRecord, Status

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Registry:
    """An environment's registry table, read through a DynamoDB client that is handed in."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._client = client
        self._table_name = table_name

    def find(self, fingerprint: str) -> RegistryRecord | None:
        """The certificate's record, or None when the environment does not know it.

        The read is strongly consistent: a revocation counts from the moment it is written.

        Args:
            fingerprint: SHA-256 of the DER, 64 lower-case hexadecimal digits.

        Raises:
            MalformedRecordError: the item does not follow the schema.
            botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError: no answer.
        """
        answer = self._client.get_item(
            TableName=self._table_name,
            Key={"fingerprint": {"S": fingerprint}},
            ConsistentRead=True,
        )
        item = answer.get("Item")
        if item is None:
            return None
        record = RegistryRecord.from_item(item)
        if record.fingerprint != fingerprint:
            raise MalformedRecordError("fingerprint: not the one that was asked for")
        return record


class Unusable(StrEnum):
    """Why a certificate gets nowhere; every function that judges one has these reason codes."""

    CERTIFICATE_MISSING = "certificate_missing"
    CERTIFICATE_MALFORMED = "certificate_malformed"
    CERTIFICATE_UNKNOWN = "certificate_unknown"
    CERTIFICATE_REVOKED = "certificate_revoked"
    CERTIFICATE_RETIRED = "certificate_retired"
    CERTIFICATE_OUTSIDE_VALIDITY = "certificate_outside_validity"
    RECORD_MALFORMED = "record_malformed"


class UnusableCertificateError(Exception):
    """The presented certificate may not be used; `reason` says why."""

    def __init__(self, reason: Unusable) -> None:
        super().__init__(reason.value)
        self.reason = reason


def presented_der(pem: str | None) -> bytes:
    """The DER of the certificate that a request came with.

    Args:
        pem: as API Gateway passes it, or None without mutual TLS.

    Raises:
        UnusableCertificateError: there is none, or it is malformed.
    """
    if pem is None:
        raise UnusableCertificateError(Unusable.CERTIFICATE_MISSING)
    try:
        return der_from_pem(pem)
    except MalformedCertificateError:
        raise UnusableCertificateError(Unusable.CERTIFICATE_MALFORMED) from None


def usable_record(
    find: Callable[[str], RegistryRecord | None], fingerprint: str, now: float
) -> RegistryRecord:
    """The record of a certificate that may be used now: known, active, neither retired nor expired.

    Args:
        find: from a fingerprint to its record.
        fingerprint: SHA-256 of the DER, 64 lower-case hexadecimal digits.
        now: seconds since the epoch.

    Raises:
        UnusableCertificateError: it may not be used.
    """
    try:
        record = find(fingerprint)
    except MalformedRecordError:
        raise UnusableCertificateError(Unusable.RECORD_MALFORMED) from None
    if record is None:
        raise UnusableCertificateError(Unusable.CERTIFICATE_UNKNOWN)
    if record.status is not Status.ACTIVE:
        raise UnusableCertificateError(Unusable.CERTIFICATE_REVOKED)
    moment = datetime.fromtimestamp(now, UTC)
    if record.is_retired(moment):
        raise UnusableCertificateError(Unusable.CERTIFICATE_RETIRED)
    if not record.is_usable(moment):
        raise UnusableCertificateError(Unusable.CERTIFICATE_OUTSIDE_VALIDITY)
    return record
