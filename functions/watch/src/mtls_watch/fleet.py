"""The registry, read whole."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from clientcert import MalformedRecordError, RegistryRecord

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class Fleet:
    """Every certificate of the environment.

    Attributes:
        records: those that can be read.
        malformed: keys of the items that cannot: the other functions refuse these certificates.
    """

    records: tuple[RegistryRecord, ...]
    malformed: tuple[str, ...]


def scan(dynamodb: "DynamoDBClient", table_name: str) -> Fleet:
    """Read the table; one malformed item hides none of the others.

    Args:
        dynamodb: a client in the environment's account.
        table_name: the registry's table.

    Raises:
        botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError: no answer.
    """
    records: list[RegistryRecord] = []
    malformed: list[str] = []
    # The table also holds what belongs to no certificate: the CA's claims of keys and names, which
    # have a "#" in their key. A fingerprint has none.
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=table_name,
        FilterExpression="NOT contains(fingerprint, :mark)",
        ExpressionAttributeValues={":mark": {"S": "#"}},
    )
    for page in pages:
        for item in page["Items"]:
            try:
                records.append(RegistryRecord.from_item(item))
            except MalformedRecordError:
                malformed.append(str(item.get("fingerprint", {}).get("S", "?")))
    return Fleet(tuple(records), tuple(malformed))
