"""An environment's registry: one DynamoDB item a certificate. A certificate not in it gets nowhere.

Every write is conditional, so that a repeated or concurrent one changes nothing; every read but
that by serial number is consistent.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import batched
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from clientcert import (
    BY_SERIAL_NUMBER_INDEX,
    MalformedRecordError,
    RegistryRecord,
    RevocationReason,
    Status,
)
from pki.aws import error_code
from pki.errors import (
    ConcurrentChangeError,
    KeyReusedError,
    RegistryError,
    UnknownClientError,
)
from pki.organization import Environment

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import BatchGetItemOutputTypeDef, TransactWriteItemTypeDef

# Beside the shared schema, for the CA alone.
_PUBLIC_KEY_SHA256 = "public_key_sha256"
_SIGNATURE_REQUEST_ID = "signature_request_id"
_CERTIFICATE = "certificate"

# Items that are no certificates: whose key one is, and which certificates a client has. An index
# would lag behind; these are read consistently, and written with the certificate or not at all.
_KEY_CLAIM = "key#"
_CLAIMED_BY = "claimed_by"
_CLIENT_CLAIM = "client#"
_FINGERPRINTS = "certificates"
_REVISION = "revision"

_RETIREMENT = ("SET retires_at = :at", "#status = :active")
_BATCH = 100
"""Keys in one BatchGetItem."""


@dataclass(frozen=True, slots=True)
class ClientState:
    """A client's certificates at one moment.

    Attributes:
        client_id: its name.
        records: its certificates, oldest first.
        revision: counts what was added; 0 for a client that never had a certificate.
    """

    client_id: str
    records: tuple[RegistryRecord, ...]
    revision: int


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record and what the CA keeps beside it.

    Attributes:
        record: the certificate's record.
        public_key_sha256: of its SubjectPublicKeyInfo, hexadecimal.
        signature_request_id: what the key keeper's log calls the signature.
        certificate_der: the certificate itself.
    """

    record: RegistryRecord
    public_key_sha256: str | None
    signature_request_id: str | None
    certificate_der: bytes | None


class Registry:
    """The table ``<organization>-<environment>-registry`` in the workload account."""

    def __init__(self, dynamodb: "DynamoDBClient", environment: Environment) -> None:
        """Keep the client, which acts in the environment's account, and the table's name."""
        self._dynamodb = dynamodb
        self._environment = environment
        self._table = environment.registry_table

    def add(
        self,
        record: RegistryRecord,
        public_key_sha256: str,
        seen: ClientState,
        *,
        retire_at: datetime | None = None,
        signature_request_id: str | None = None,
        certificate_der: bytes | None = None,
    ) -> None:
        """Write a new certificate; adding the same one again is no error.

        One transaction writes its item, claims its key for ever, and joins it to its client's.

        Args:
            record: the certificate.
            public_key_sha256: of its SubjectPublicKeyInfo.
            seen: the client as it was when this certificate was decided on.
            retire_at: when the certificate that this one renews retires.
            signature_request_id: what the key keeper's log calls the signature.
            certificate_der: the certificate itself, to hand it out again.

        Raises:
            KeyReusedError: a certificate of this environment has, or had, this key.
            ConcurrentChangeError: the client was changed since it was seen.
            RegistryError: the fingerprint is there with other facts, or there is no table.
        """
        item = record.to_item() | {_PUBLIC_KEY_SHA256: {"S": public_key_sha256}}
        if signature_request_id is not None:
            item[_SIGNATURE_REQUEST_ID] = {"S": signature_request_id}
        if certificate_der is not None:
            item[_CERTIFICATE] = {"B": certificate_der}
        writes: list[TransactWriteItemTypeDef] = [
            self._put_new(item),
            self._put_new(
                {
                    "fingerprint": {"S": _KEY_CLAIM + public_key_sha256},
                    _CLAIMED_BY: {"S": record.fingerprint},
                }
            ),
            self._join(record, seen),
        ]
        if retire_at is not None and record.renewed_from is not None:
            writes.append(self._retirement(record.renewed_from, retire_at))
        try:
            self._dynamodb.transact_write_items(TransactItems=writes)
        except ClientError as error:
            if error_code(error) != "TransactionCanceledException":
                raise self._translated(error) from error
            self._explain_refusal(record, public_key_sha256, error)

    def find(self, fingerprint: str) -> RegistryRecord | None:
        """The certificate's record, read consistently; None when there is none.

        Raises:
            RegistryError: the item is malformed, or there is no table.
        """
        item = self._get(fingerprint)
        return None if item is None else self._read(item)

    def existing(self, fingerprint: str) -> RegistryRecord:
        """The record of a certificate that must exist, read consistently.

        Raises:
            UnknownClientError: it does not.
            RegistryError: the item is malformed, or there is no table.
        """
        record = self.find(fingerprint)
        if record is None:
            raise UnknownClientError(
                f"{self._environment.name} has no certificate with fingerprint {fingerprint}",
                hint="the fingerprint is SHA-256 over the DER: "
                "openssl x509 -noout -fingerprint -sha256 -in client.crt",
            )
        return record

    def stored(self, fingerprint: str) -> StoredRecord | None:
        """The record and what the CA keeps beside it, read consistently; None when there is none.

        Raises:
            RegistryError: the item is malformed, or there is no table.
        """
        item = self._get(fingerprint)
        return None if item is None else self._read_stored(item)

    def client(self, client_id: str) -> ClientState:
        """Every certificate of a client, read consistently: what was written before is there.

        Raises:
            RegistryError: an item is malformed, or there is no table.
        """
        item = self._get(_CLIENT_CLAIM + client_id)
        if item is None:
            return ClientState(client_id, (), 0)
        records = map(self._read, self._get_all(item[_FINGERPRINTS]["SS"]))
        ordered = sorted(records, key=age)
        return ClientState(client_id, tuple(ordered), int(item[_REVISION]["N"]))

    def of_client(self, client_id: str) -> tuple[RegistryRecord, ...]:
        """The certificates of :meth:`client`, oldest first."""
        return self.client(client_id).records

    def owner_of_key(self, public_key_sha256: str) -> str | None:
        """Fingerprint of the certificate that has, or had, a public key; read consistently.

        Raises:
            RegistryError: there is no table.
        """
        item = self._get(_KEY_CLAIM + public_key_sha256)
        return None if item is None else str(item[_CLAIMED_BY]["S"])

    def records(self) -> Iterator[StoredRecord]:
        """Every certificate of the environment, in no order: the whole table is read.

        Raises:
            RegistryError: an item is malformed, or there is no table.
        """
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._table,
            FilterExpression="attribute_exists(serial_number)",
            ConsistentRead=True,
        )
        try:
            for page in pages:
                yield from map(self._read_stored, page["Items"])
        except ClientError as error:
            raise self._translated(error) from error

    def with_serial(self, serial_number: str) -> tuple[RegistryRecord, ...]:
        """Every certificate with a serial number (decimal); the index lags a write by moments.

        Two CAs may have used one number, so there may be more than one.

        Raises:
            RegistryError: an item is malformed, or there is no table.
        """
        items = self._query(BY_SERIAL_NUMBER_INDEX, "serial_number", serial_number)
        return tuple(map(self._read, items))

    def revoke(
        self, fingerprint: str, reason: RevocationReason, now: datetime
    ) -> tuple[RegistryRecord, bool]:
        """Mark a certificate revoked, if it is active or on hold.

        Revoked for good after a hold, it keeps the hold's time: it was not to be trusted since.

        Returns:
            The record as it now is, and whether this call revoked it.

        Raises:
            UnknownClientError: the registry has no such certificate.
            RegistryError: the item is malformed, or there is no table.
        """
        record = self.existing(fingerprint)
        ends_hold = reason is not RevocationReason.CERTIFICATE_HOLD
        if record.status is Status.REVOKED and not (ends_hold and _is_on_hold(record)):
            return record, False
        revoked = replace(
            record, status=Status.REVOKED, revoked_at=now, revocation_reason=reason
        ).to_item()
        hold = {":hold": {"S": RevocationReason.CERTIFICATE_HOLD.value}} if ends_hold else {}
        return self._change(
            fingerprint,
            "SET #status = :revoked, revoked_at = if_not_exists(revoked_at, :now), "
            "revocation_reason = :reason",
            "#status = :active" + (" OR revocation_reason = :hold" if ends_hold else ""),
            hold
            | {
                ":active": {"S": Status.ACTIVE.value},
                ":revoked": revoked["status"],
                ":now": revoked["revoked_at"],
                ":reason": revoked["revocation_reason"],
            },
        )

    def release(self, fingerprint: str) -> tuple[RegistryRecord, bool]:
        """Make a certificate active again that is on hold (RFC 5280, section 5.3.1).

        Returns:
            The record as it now is, and whether this call released it.

        Raises:
            UnknownClientError: the registry has no such certificate.
            RegistryError: it is revoked for good, malformed, or there is no table.
        """
        record = self.existing(fingerprint)
        if record.status is Status.ACTIVE:
            return record, False
        _require_hold(record)
        record, released = self._change(
            fingerprint,
            "SET #status = :active REMOVE revoked_at, revocation_reason",
            "#status = :revoked AND revocation_reason = :hold",
            {
                ":active": {"S": Status.ACTIVE.value},
                ":revoked": {"S": Status.REVOKED.value},
                ":hold": {"S": RevocationReason.CERTIFICATE_HOLD.value},
            },
        )
        if record.status is Status.REVOKED:
            _require_hold(record)
        return record, released

    def retire(self, fingerprint: str, at: datetime) -> tuple[RegistryRecord, bool]:
        """Let an active certificate end at a moment: its renewal has replaced it.

        Returns:
            The record as it now is, and whether this call changed it; a revoked one stays so.

        Raises:
            UnknownClientError: the registry has no such certificate.
            RegistryError: the item is malformed, or there is no table.
        """
        record = self.existing(fingerprint)
        if record.status is Status.REVOKED:
            return record, False
        return self._change(fingerprint, *_RETIREMENT, _retirement_values(at))

    def _change(
        self, fingerprint: str, update: str, condition: str, values: dict[str, Any]
    ) -> tuple[RegistryRecord, bool]:
        try:
            answer = self._dynamodb.update_item(
                TableName=self._table,
                Key={"fingerprint": {"S": fingerprint}},
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues=values,
                ReturnValues="ALL_NEW",
            )
        except ClientError as error:
            if not _condition_failed(error):
                raise self._translated(error) from error
            return self.existing(fingerprint), False
        return self._read(answer["Attributes"]), True

    def _put_new(self, item: dict[str, Any]) -> "TransactWriteItemTypeDef":
        return {
            "Put": {
                "TableName": self._table,
                "Item": item,
                "ConditionExpression": "attribute_not_exists(fingerprint)",
            }
        }

    def _join(self, record: RegistryRecord, seen: ClientState) -> "TransactWriteItemTypeDef":
        """Add the certificate to its client's, if nobody changed these meanwhile."""
        values: dict[str, Any] = {
            ":certificate": {"SS": [record.fingerprint]},
            ":next": {"N": str(seen.revision + 1)},
        }
        condition = "attribute_not_exists(fingerprint)"
        if seen.revision:
            condition = f"{_REVISION} = :seen"
            values[":seen"] = {"N": str(seen.revision)}
        return {
            "Update": {
                "TableName": self._table,
                "Key": {"fingerprint": {"S": _CLIENT_CLAIM + record.client_id}},
                "UpdateExpression": f"ADD {_FINGERPRINTS} :certificate SET {_REVISION} = :next",
                "ConditionExpression": condition,
                "ExpressionAttributeValues": values,
            }
        }

    def _retirement(self, fingerprint: str, at: datetime) -> "TransactWriteItemTypeDef":
        update, condition = _RETIREMENT
        return {
            "Update": {
                "TableName": self._table,
                "Key": {"fingerprint": {"S": fingerprint}},
                "UpdateExpression": update,
                "ConditionExpression": condition,
                "ExpressionAttributeNames": {"#status": "status"},
                "ExpressionAttributeValues": _retirement_values(at),
            }
        }

    def _explain_refusal(
        self, record: RegistryRecord, public_key_sha256: str, error: ClientError
    ) -> None:
        """Say why the transaction was refused, unless it had been done before."""
        present = self.find(record.fingerprint)
        if present == record:
            return
        if present is not None:
            raise RegistryError(
                f"{self._table} already holds {record.fingerprint} with other facts",
                hint="nothing was changed; find out who registered it",
            ) from error
        if self.owner_of_key(public_key_sha256) is not None:
            raise KeyReusedError(
                f"the key of {record.client_id} was certified meanwhile",
                hint="every certificate gets a key of its own: make a new key and request",
            ) from error
        raise ConcurrentChangeError(
            f"{record.client_id} was changed by somebody else meanwhile; nothing was registered",
            hint="look at its certificates (show-client), then run it again",
        ) from error

    def _get(self, key: str) -> dict[str, Any] | None:
        try:
            answer = self._dynamodb.get_item(
                TableName=self._table, Key={"fingerprint": {"S": key}}, ConsistentRead=True
            )
        except ClientError as error:
            raise self._translated(error) from error
        return answer.get("Item")

    def _get_all(self, fingerprints: Iterable[str]) -> Iterator[dict[str, Any]]:
        for batch in batched(sorted(fingerprints), _BATCH, strict=False):
            keys: list[dict[str, Any]] = [{"fingerprint": {"S": entry}} for entry in batch]
            for _ in range(_BATCH):  # each round answers one at least, or the table is overloaded
                answer = self._batch_get(keys)
                yield from answer["Responses"][self._table]
                left = answer["UnprocessedKeys"].get(self._table)
                keys = [] if left is None else list(left["Keys"])
                if not keys:
                    break
            else:
                raise RegistryError(f"{self._table} does not answer in full", hint="run it again")

    def _batch_get(self, keys: list[dict[str, Any]]) -> "BatchGetItemOutputTypeDef":
        try:
            return self._dynamodb.batch_get_item(
                RequestItems={self._table: {"Keys": keys, "ConsistentRead": True}}
            )
        except ClientError as error:
            raise self._translated(error) from error

    def _query(self, index: str, attribute: str, value: str) -> Iterator[dict[str, Any]]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            IndexName=index,
            KeyConditionExpression=f"{attribute} = :value",
            ExpressionAttributeValues={":value": {"S": value}},
        )
        try:
            for page in pages:
                yield from page["Items"]
        except ClientError as error:
            raise self._translated(error) from error

    def _read_stored(self, item: dict[str, Any]) -> StoredRecord:
        def text(name: str) -> str | None:
            return item[name]["S"] if name in item else None

        return StoredRecord(
            self._read(item),
            text(_PUBLIC_KEY_SHA256),
            text(_SIGNATURE_REQUEST_ID),
            item.get(_CERTIFICATE, {}).get("B"),
        )

    def _read(self, item: dict[str, Any]) -> RegistryRecord:
        try:
            return RegistryRecord.from_item(item)
        except MalformedRecordError as error:
            name = item.get("fingerprint", {}).get("S", "?")
            raise RegistryError(
                f"{self._table}: the record {name} is malformed: {error}",
                hint="functions refuse this certificate; correct the item by hand",
            ) from error

    def _translated(self, error: ClientError) -> Exception:
        if error_code(error) == "ResourceNotFoundException":
            return RegistryError(
                f"there is no table {self._table} in account {self._environment.account_id}",
                hint=f"apply the unit {self._environment.name}/registry first",
            )
        return error


def age(record: RegistryRecord) -> tuple[datetime, str, str]:
    """Sorts a client's certificates oldest first, renewals of one second after what they renew."""
    return record.issued_at, record.renewed_from or "", record.fingerprint


def _retirement_values(at: datetime) -> dict[str, Any]:
    moment = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {":at": {"S": moment}, ":active": {"S": Status.ACTIVE.value}}


def _is_on_hold(record: RegistryRecord) -> bool:
    return record.revocation_reason is RevocationReason.CERTIFICATE_HOLD


def _require_hold(record: RegistryRecord) -> None:
    if not _is_on_hold(record):
        raise RegistryError(
            f"{record.fingerprint} of {record.client_id} is revoked for good "
            f"({record.revocation_reason}): only {RevocationReason.CERTIFICATE_HOLD} ends",
            hint="give the client a new key and certificate",
        )


def _condition_failed(error: ClientError) -> bool:
    return error_code(error) == "ConditionalCheckFailedException"
