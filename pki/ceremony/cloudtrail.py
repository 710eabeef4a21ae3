"""What CloudTrail saw of KMS keys: each ``kms:Sign``, from its API or from its files.

https://docs.aws.amazon.com/kms/latest/developerguide/ct-sign.html
"""

import gzip
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pki import files
from pki.errors import TranscriptError, UsageError

if TYPE_CHECKING:
    from mypy_boto3_cloudtrail import CloudTrailClient
    from mypy_boto3_s3 import S3Client

DELIVERY_DELAY = timedelta(minutes=15)
"""https://docs.aws.amazon.com/awscloudtrail/latest/userguide/how-cloudtrail-works.html: about 5
minutes on average, 15 to be sure."""

LOOKUP_PERIOD = timedelta(days=90)
_MAXIMUM_FILE_BYTES = 200_000_000
_URI = re.compile(r"s3://([a-z0-9][a-z0-9.-]{2,62})/?(.*)")
_SUFFIXES = (".json", ".json.gz")
_DIGESTS = "/CloudTrail-Digest/"
"""Signatures of the files, not events."""


@dataclass(frozen=True, slots=True)
class SignEvent:
    """One ``kms:Sign``.

    Attributes:
        event_id: CloudTrail's id of the event.
        request_id: KMS's id of the request.
        at: when, UTC.
        principal: the caller's ARN.
        account_id: whose keys.
        key_id: the key as the caller named it: an id, an ARN or an alias.
        key_arn: the key; None where the request was refused.
        error: why it was refused; None where it was signed.
    """

    event_id: str
    request_id: str
    at: datetime
    principal: str
    account_id: str
    key_id: str
    key_arn: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Period:
    """A span of time that CloudTrail's answer covers, both ends included."""

    start: datetime
    end: datetime

    def covers(self, moment: datetime) -> bool:
        """Whether an event of that moment would be in the answer."""
        return self.start <= moment <= self.end


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a source of events says.

    Attributes:
        events: each ``kms:Sign``, in no order.
        period: the time that it covers; None when it is empty.
    """

    events: tuple[SignEvent, ...]
    period: Period | None


def look_up(cloudtrail: "CloudTrailClient", now: datetime) -> Evidence:
    """Ask CloudTrail for the last 90 days."""
    start = now - LOOKUP_PERIOD
    pages = cloudtrail.get_paginator("lookup_events").paginate(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "Sign"}], StartTime=start
    )
    records = (
        _parse(found.get("CloudTrailEvent", ""), f"event {found.get('EventId')}")
        for page in pages
        for found in page["Events"]
    )
    return Evidence(tuple(_signatures(records, "LookupEvents")), Period(start, now))


def read_folder(folder: Path) -> Evidence:
    """Read CloudTrail's files below a folder, however deep.

    Raises:
        UsageError: there is no such folder, or no such file in it.
        TranscriptError: a file is none of CloudTrail's.
        FileError: a file cannot be read.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and _is_log(str(path)))
    if not paths:
        raise UsageError(f"{folder} holds no file of CloudTrail", hint="they end in .json.gz")
    return _evidence(
        (str(path), files.read(path, "CloudTrail file", at_most=_MAXIMUM_FILE_BYTES))
        for path in paths
    )


def read_bucket(s3: "S3Client", uri: str) -> Evidence:
    """Read CloudTrail's files below a prefix, such as ``s3://bucket/AWSLogs/111111111111/``.

    Raises:
        UsageError: it is no such URI, or there is no such object.
        TranscriptError: an object is none of CloudTrail's.
    """
    match = _URI.fullmatch(uri)
    if match is None:
        raise UsageError(f"{uri!r} is no S3 URI", hint="write s3://bucket/prefix")
    bucket, prefix = match.groups()
    keys = [
        entry["Key"]
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for entry in page.get("Contents", [])
        if _is_log(entry["Key"])
    ]
    if not keys:
        raise UsageError(f"{uri} holds no file of CloudTrail", hint="they end in .json.gz")
    return _evidence(
        (f"s3://{bucket}/{key}", s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        for key in keys
    )


def _is_log(name: str) -> bool:
    return name.endswith(_SUFFIXES) and _DIGESTS not in name


def _evidence(contents: Iterable[tuple[str, bytes]]) -> Evidence:
    events: list[SignEvent] = []
    times: list[datetime] = []
    for name, content in contents:
        records = _records(name, content)
        times += [_time(record, name) for record in records]
        events += _signatures(records, name)
    return Evidence(tuple(events), Period(min(times), max(times)) if times else None)


def _records(name: str, content: bytes) -> list[dict[str, Any]]:
    try:
        text = gzip.decompress(content) if name.endswith(".gz") else content
    except (OSError, EOFError, zlib.error) as error:
        raise TranscriptError(f"{name} is damaged: {error}") from error
    document = _parse(text, name)
    records = document.get("Records")
    if not isinstance(records, list) or not all(isinstance(entry, dict) for entry in records):
        raise TranscriptError(f'{name} is no file of CloudTrail: expected {{"Records": [...]}}')
    return records


def _parse(text: str | bytes, name: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TranscriptError(f"{name} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise TranscriptError(f"{name} is no JSON object")
    return document


def _signatures(records: Iterable[dict[str, Any]], name: str) -> Iterator[SignEvent]:
    for record in records:
        source, event = record.get("eventSource"), record.get("eventName")
        if source == "kms.amazonaws.com" and event == "Sign":
            yield _sign_event(record, name)


def _sign_event(record: dict[str, Any], name: str) -> SignEvent:
    try:
        identity, parameters = record["userIdentity"], record.get("requestParameters") or {}
        arns = [entry["ARN"] for entry in record.get("resources") or [] if "ARN" in entry]
        return SignEvent(
            event_id=str(record["eventID"]),
            request_id=str(record["requestID"]),
            at=_time(record, name),
            principal=str(identity.get("arn") or identity.get("invokedBy") or identity["type"]),
            account_id=str(record.get("recipientAccountId") or identity["accountId"]),
            key_id=str(parameters.get("keyId", "?")),
            key_arn=str(arns[0]) if arns else None,
            error=None if record.get("errorCode") is None else str(record["errorCode"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise TranscriptError(f"{name} holds a malformed event: {error!r}") from error


def _time(record: dict[str, Any], name: str) -> datetime:
    try:
        return datetime.strptime(record["eventTime"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except (KeyError, TypeError, ValueError) as error:
        raise TranscriptError(f"{name} holds an event without a time") from error
