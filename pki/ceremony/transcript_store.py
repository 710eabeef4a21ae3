"""Where transcripts lie: the object-locked bucket of the security account, or a copy of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import ClientError

from pki import files
from pki.aws import error_code
from pki.ceremony import documents
from pki.errors import TranscriptError
from pki.organization import Organization

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FOLDER = "transcripts"
MAXIMUM_ENTRY_BYTES = 2_000_000
"""A plan is in the first entry, and is itself at most half of that."""

_DIGEST_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Retention:
    """S3's promise that an object version is not deleted.

    Attributes:
        mode: ``COMPLIANCE`` or ``GOVERNANCE``.
        until: the promise's end.
    """

    mode: str
    until: datetime


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry as it lies in the store, unjudged.

    Attributes:
        name: the object's name within its transcript, such as ``000001.json``.
        content: its bytes.
        retention: its retention; None where there is none, or where the store cannot have one.
    """

    name: str
    content: bytes
    retention: Retention | None


class TranscriptSource(Protocol):
    """Reads transcripts."""

    @property
    def is_locked_by_design(self) -> bool:
        """Whether each entry has to have a retention: a copy has none."""
        ...

    def digests(self) -> tuple[str, ...]:
        """The plans that have a transcript: their digests, ``sha256:<hex>``, sorted."""
        ...

    def entries(self, plan_digest: str) -> tuple[StoredEntry, ...]:
        """A transcript's entries by name; empty when there is none."""
        ...


class TranscriptBucket:
    """``transcripts/<plan digest, hexadecimal>/<000001>.json`` in the ceremony's log bucket."""

    is_locked_by_design = True

    def __init__(self, s3: "S3Client", organization: Organization) -> None:
        """Keep the client, which acts in the security account, and the organisation's names."""
        self._s3 = s3
        self._bucket = organization.ceremony_log_bucket

    def location(self, plan_digest: str) -> str:
        """The URI of a transcript."""
        return f"s3://{self._bucket}/{_prefix(plan_digest)}"

    def digests(self) -> tuple[str, ...]:
        """See :meth:`TranscriptSource.digests`.

        Raises:
            TranscriptError: there is no bucket.
        """
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=f"{FOLDER}/", Delimiter="/"
        )
        try:
            folders = [
                prefix["Prefix"].removesuffix("/").rpartition("/")[2]
                for page in pages
                for prefix in page.get("CommonPrefixes", [])
            ]
        except ClientError as error:
            raise self._translated(error) from error
        return _digests(folders, f"s3://{self._bucket}/{FOLDER}/")

    def entries(self, plan_digest: str) -> tuple[StoredEntry, ...]:
        """See :meth:`TranscriptSource.entries`.

        Raises:
            TranscriptError: there is no bucket.
        """
        return tuple(self._read(plan_digest, name) for name in sorted(self._names(plan_digest)))

    def put(self, plan_digest: str, name: str, content: bytes) -> None:
        """Write an entry; one that is there stays there.

        The same content again is no error: botocore repeats a request whose answer was lost.

        Raises:
            TranscriptError: another entry of this name is there, or there is no bucket.
        """
        try:
            self._s3.put_object(
                Bucket=self._bucket,
                Key=f"{_prefix(plan_digest)}{name}",
                Body=content,
                ContentType="application/json",
                IfNoneMatch="*",
                ChecksumAlgorithm="SHA256",  # S3 wants a checksum where objects are locked
            )
        except ClientError as error:
            if error_code(error) not in {"PreconditionFailed", "ConditionalRequestConflict"}:
                raise self._translated(error) from error
            if not self._holds(plan_digest, name, content):
                raise TranscriptError(
                    f"{self.location(plan_digest)}{name} was written by another run meanwhile",
                    hint="one ceremony at a time: wait until the other run has ended, then run "
                    "this again: it goes on where that one stopped",
                ) from error

    def _holds(self, plan_digest: str, name: str, content: bytes) -> bool:
        try:
            return self._read(plan_digest, name).content == content
        except ClientError as error:
            if error_code(error) == "NoSuchKey":
                return False
            raise

    def _names(self, plan_digest: str) -> Iterator[str]:
        prefix = _prefix(plan_digest)
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix
        )
        try:
            for page in pages:
                yield from (entry["Key"].removeprefix(prefix) for entry in page.get("Contents", []))
        except ClientError as error:
            raise self._translated(error) from error

    def _read(self, plan_digest: str, name: str) -> StoredEntry:
        answer = self._s3.get_object(Bucket=self._bucket, Key=f"{_prefix(plan_digest)}{name}")
        retention = None
        if "ObjectLockMode" in answer:  # and never one without the other
            retention = Retention(answer["ObjectLockMode"], answer["ObjectLockRetainUntilDate"])
        return StoredEntry(name, answer["Body"].read(MAXIMUM_ENTRY_BYTES + 1), retention)

    def _translated(self, error: ClientError) -> Exception:
        if error_code(error) == "NoSuchBucket":
            return TranscriptError(
                f"there is no bucket {self._bucket} in the security account",
                hint="apply the unit ca/ceremony-log of the security account first",
            )
        return error


class TranscriptFolder:
    """A copy of the bucket, such as ``aws s3 cp --recursive`` makes."""

    is_locked_by_design = False

    def __init__(self, folder: Path) -> None:
        """Take the bucket's copy or its folder ``transcripts``.

        Raises:
            TranscriptError: it is no folder.
        """
        if not folder.is_dir():
            raise TranscriptError(f"{folder} is no folder", hint="name the folder downloaded to")
        self._folder = folder / FOLDER if (folder / FOLDER).is_dir() else folder

    def digests(self) -> tuple[str, ...]:
        """See :meth:`TranscriptSource.digests`.

        Raises:
            TranscriptError: it holds something else.
        """
        names = sorted(path.name for path in self._folder.iterdir() if path.is_dir())
        return _digests(names, str(self._folder))

    def entries(self, plan_digest: str) -> tuple[StoredEntry, ...]:
        """See :meth:`TranscriptSource.entries`.

        Raises:
            FileError: an entry cannot be read.
        """
        folder = self._folder / documents.digest_hex(plan_digest)
        if not folder.is_dir():
            return ()
        return tuple(
            StoredEntry(
                path.name, files.read(path, "transcript", at_most=MAXIMUM_ENTRY_BYTES), None
            )
            for path in sorted(folder.iterdir())
        )


def _prefix(plan_digest: str) -> str:
    return f"{FOLDER}/{documents.digest_hex(plan_digest)}/"


def _digests(names: list[str], where: str) -> tuple[str, ...]:
    for name in names:
        if not _DIGEST_HEX.fullmatch(name):
            raise TranscriptError(
                f"{where} holds {name!r}, which is no plan's digest",
                hint="a transcript is a folder named by 64 hexadecimal digits",
            )
    return tuple(f"sha256:{name}" for name in sorted(names))
