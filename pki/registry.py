"""An environment's registry: one DynamoDB item a certificate. A certificate not in it gets nowhere.

Every write is conditional, so that a repeated or concurrent one changes nothing.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from clientcert import (
    BY_CLIENT_ID_INDEX,
    BY_PUBLIC_KEY_INDEX,
    BY_SERIAL_NUMBER_INDEX,
    MalformedRecordError,
    RegistryRecord,
    RevocationReason,
    Status,
)
from pki.aws import error_code
from pki.errors import RegistryError, UnknownClientError
from pki.organization import Environment

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_PUBLIC_KEY_SHA256 = "public_key_sha256"
"""Beside the shared schema, for the CA alone: SHA-256 of the SubjectPublicKeyInfo."""


class Registry:
    """The table ``<organization>-<environment>-registry`` in the workload account."""

    def __init__(self, dynamodb: "DynamoDBClient", environment: Environment) -> None:
        """Keep the client, which acts in the environment's account, and the table's name."""
        self._dynamodb = dynamodb
        self._environment = environment
        self._table = environment.registry_table

    def add(self, record: RegistryRecord, public_key_sha256: str) -> None:
        """Write a new certificate; adding the same one again is no error.

        Raises:
            RegistryError: the fingerprint is there with other facts, or there is no table.
        """
        item = record.to_item() | {_PUBLIC_KEY_SHA256: {"S": public_key_sha256}}
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=item,
                ConditionExpression="attribute_not_exists(fingerprint)",
            )
        except ClientError as error:
            if not _condition_failed(error):
                raise self._translated(error) from error
            if self.find(record.fingerprint) != record:
                raise RegistryError(
                    f"{self._table} already holds {record.fingerprint} with other facts",
                    hint="nothing was changed; find out who registered it",
                ) from error

    def find(self, fingerprint: str) -> RegistryRecord | None:
        """The certificate's record, read consistently; None when there is none.

        Raises:
            RegistryError: the item is malformed, or there is no table.
        """
        try:
            answer = self._dynamodb.get_item(
                TableName=self._table,
                Key={"fingerprint": {"S": fingerprint}},
                ConsistentRead=True,
            )
        except ClientError as error:
            raise self._translated(error) from error
        item = answer.get("Item")
        return None if item is None else self._read(item)

    def of_client(self, client_id: str) -> tuple[RegistryRecord, ...]:
        """Every certificate of a client, oldest first; the index lags a write by moments.

        Raises:
            RegistryError: an item is malformed, or there is no table.
        """
        return tuple(map(self._read, self._query(BY_CLIENT_ID_INDEX, "client_id", client_id)))

    def with_public_key(self, public_key_sha256: str) -> tuple[RegistryRecord, ...]:
        """Every certificate of a public key, whosever; the index lags a write by moments.

        Raises:
            RegistryError: an item is malformed, or there is no table.
        """
        items = self._query(BY_PUBLIC_KEY_INDEX, _PUBLIC_KEY_SHA256, public_key_sha256)
        found = (self.find(item["fingerprint"]["S"]) for item in items)
        return tuple(record for record in found if record is not None)

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
        """Mark a certificate revoked, if it is active.

        Returns:
            The record as it now is, and whether this call revoked it.

        Raises:
            UnknownClientError: the registry has no such certificate.
            RegistryError: the item is malformed, or there is no table.
        """
        record = self._existing(fingerprint)
        if record.status is Status.REVOKED:
            return record, False
        revoked = replace(
            record, status=Status.REVOKED, revoked_at=now, revocation_reason=reason
        ).to_item()
        try:
            answer = self._dynamodb.update_item(
                TableName=self._table,
                Key={"fingerprint": revoked["fingerprint"]},
                UpdateExpression="SET #status = :revoked, revoked_at = :now, "
                "revocation_reason = :reason",
                ConditionExpression="#status = :active",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={
                    ":active": {"S": Status.ACTIVE.value},
                    ":revoked": revoked["status"],
                    ":now": revoked["revoked_at"],
                    ":reason": revoked["revocation_reason"],
                },
                ReturnValues="ALL_NEW",
            )
        except ClientError as error:
            if not _condition_failed(error):
                raise self._translated(error) from error
            return self._existing(fingerprint), False
        return self._read(answer["Attributes"]), True

    def _existing(self, fingerprint: str) -> RegistryRecord:
        record = self.find(fingerprint)
        if record is None:
            raise UnknownClientError(
                f"{self._environment.name} has no certificate with fingerprint {fingerprint}",
                hint="the fingerprint is SHA-256 over the DER: "
                "openssl x509 -noout -fingerprint -sha256 -in client.crt",
            )
        return record

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


def _condition_failed(error: ClientError) -> bool:
    return error_code(error) == "ConditionalCheckFailedException"
