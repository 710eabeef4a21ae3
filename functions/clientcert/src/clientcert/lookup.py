"""How a certificate's record is read: by its fingerprint, and never from a stale replica."""

from typing import TYPE_CHECKING

from clientcert.registry import MalformedRecordError, RegistryRecord

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
