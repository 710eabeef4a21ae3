"""The truststore's versioned bucket, and the pin: which version the domain is to use.

Overwriting the object changes nothing by itself: a domain name reads the version that it pins.
"""

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from pki import files
from pki.aws import error_code
from pki.errors import TruststoreError
from pki.organization import Environment
from pki.truststore import OBJECT_KEY

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

_UNVERSIONED = "null"
_NO_VERSION = {"NoSuchVersion", "NoSuchKey", "InvalidArgument", "MethodNotAllowed"}
"""A version that never was, one that is malformed, and one that marks a deletion."""

_DISTRUSTED, _REASON = "distrusted", "reason"
"""Metadata of the object."""

_MAXIMUM_PIN_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Pin:
    """One version of the truststore.

    Attributes:
        version: the S3 version id.
        sha256: of the object, lower-case hexadecimal.
    """

    version: str
    sha256: str

    def write(self, path: Path) -> None:
        """Write the pin file, whole or not at all.

        Raises:
            FileError: the file cannot be written.
        """
        text = json.dumps({"version": self.version, "sha256": self.sha256}, indent=2)
        files.write_atomically(path, f"{text}\n".encode(), files.PUBLIC)

    @classmethod
    def read(cls, path: Path) -> "Pin":
        """Read a pin file.

        Raises:
            FileError: the file cannot be read.
            TruststoreError: it is no pin.
        """
        content = files.read(path, "pin file", at_most=_MAXIMUM_PIN_BYTES)
        try:
            document = json.loads(content)
            version, sha256 = document["version"], document["sha256"]
        except (ValueError, TypeError, KeyError) as error:
            raise TruststoreError(
                f'{path} is no pin: expected {{"version": ..., "sha256": ...}}'
            ) from error
        if not (isinstance(version, str) and version and isinstance(sha256, str) and sha256):
            raise TruststoreError(f"{path} is no pin: version and sha256 are texts")
        return cls(version, sha256)


@dataclass(frozen=True, slots=True)
class Stored:
    """The bucket's current object.

    Attributes:
        pin: its version and digest.
        etag: for the precondition of the next write.
        bundle: its content.
        distrusted: generations that were taken out as compromised, now or in a version before.
    """

    pin: Pin
    etag: str
    bundle: bytes
    distrusted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Version:
    """One version in the bucket's history.

    Attributes:
        id: the S3 version id.
        uploaded_at: UTC.
        is_current: whether S3 serves it when no version is named.
    """

    id: str
    uploaded_at: datetime
    is_current: bool


class TruststoreBucket:
    """The bucket ``<organization>-<environment>-truststore-<account>``."""

    def __init__(self, s3: "S3Client", environment: Environment) -> None:
        """Keep the client, which acts in the environment's account, and the bucket's name."""
        self._s3 = s3
        self._environment = environment
        self._bucket = environment.truststore_bucket

    @property
    def uri(self) -> str:
        """Where the truststore lies."""
        return f"s3://{self._bucket}/{OBJECT_KEY}"

    def current(self) -> Stored | None:
        """The current truststore, or None when there is none yet.

        Raises:
            TruststoreError: the bucket does not exist or keeps no versions.
        """
        self._require_versioning()
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=OBJECT_KEY)
        except ClientError as error:
            if error_code(error) == "NoSuchKey":
                return None
            raise self._translated(error) from error
        return _stored(answer)

    def stored(self, version: str) -> Stored:
        """One version of the truststore.

        Raises:
            TruststoreError: there is no such version, or no such bucket.
        """
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=OBJECT_KEY, VersionId=version)
        except ClientError as error:
            if error_code(error) in _NO_VERSION:
                raise TruststoreError(
                    f"{self.uri} has no version {version}",
                    hint="truststore status lists the versions that there are",
                ) from error
            raise self._translated(error) from error
        return _stored(answer)

    def versions(self) -> tuple[Version, ...]:
        """The bucket's history, newest first.

        Raises:
            TruststoreError: there is no such bucket.
        """
        pages = self._s3.get_paginator("list_object_versions").paginate(
            Bucket=self._bucket, Prefix=OBJECT_KEY
        )
        try:
            entries = [
                Version(entry["VersionId"], entry["LastModified"], entry["IsLatest"])
                for page in pages
                for entry in page.get("Versions", ())
                if entry["Key"] == OBJECT_KEY
            ]
        except ClientError as error:
            raise self._translated(error) from error
        return tuple(sorted(entries, key=lambda entry: entry.uploaded_at, reverse=True))

    def store(
        self,
        bundle: bytes,
        replaces: Stored | None,
        distrusted: Collection[str] = (),
        reason: str | None = None,
    ) -> Pin:
        """Upload a new version, provided that the bucket still holds what it replaces.

        Args:
            bundle: the content.
            replaces: what the bucket held when it was looked at.
            distrusted: generations that are compromised; kept beside the object, as why is.
            reason: why they are, ASCII.

        Raises:
            TruststoreError: somebody else uploaded meanwhile, or the bucket keeps no versions.
        """
        metadata = {_DISTRUSTED: ",".join(sorted(distrusted))} if distrusted else {}
        if reason is not None:
            metadata[_REASON] = reason
        try:
            if replaces is None:
                answer = self._s3.put_object(
                    Bucket=self._bucket,
                    Key=OBJECT_KEY,
                    Body=bundle,
                    Metadata=metadata,
                    IfNoneMatch="*",
                )
            else:
                answer = self._s3.put_object(
                    Bucket=self._bucket,
                    Key=OBJECT_KEY,
                    Body=bundle,
                    Metadata=metadata,
                    IfMatch=replaces.etag,
                )
        except ClientError as error:
            if error_code(error) not in {"PreconditionFailed", "ConditionalRequestConflict"}:
                raise self._translated(error) from error
            current = self.current()
            if current is not None and (current.bundle, current.distrusted) == (
                bundle,
                frozenset(distrusted),
            ):
                return current.pin  # ours, repeated after a lost answer
            raise TruststoreError(
                f"{self.uri} was changed by somebody else meanwhile; nothing was uploaded",
                hint="look at what they uploaded, then run again",
            ) from error
        return Pin(_version(answer.get("VersionId")), _sha256(bundle))

    def _require_versioning(self) -> None:
        try:
            answer = self._s3.get_bucket_versioning(Bucket=self._bucket)
        except ClientError as error:
            raise self._translated(error) from error
        if answer.get("Status") != "Enabled":
            raise TruststoreError(
                f"bucket {self._bucket} keeps no versions, so nothing could be pinned",
                hint=f"apply the unit {self._environment.name}/truststore, which enables them",
            )

    def _translated(self, error: ClientError) -> Exception:
        if error_code(error) == "NoSuchBucket":
            return TruststoreError(
                f"bucket {self._bucket} does not exist in account {self._environment.account_id}",
                hint=f"apply the unit {self._environment.name}/truststore first",
            )
        return error


def _stored(answer: "GetObjectOutputTypeDef") -> Stored:
    bundle = answer["Body"].read()
    distrusted = answer["Metadata"].get(_DISTRUSTED, "")
    return Stored(
        Pin(_version(answer.get("VersionId")), _sha256(bundle)),
        answer["ETag"],
        bundle,
        frozenset(filter(None, distrusted.split(","))),
    )


def _version(version: str | None) -> str:
    if version is None or version == _UNVERSIONED:
        raise TruststoreError("the object has no version: it was stored before versioning was on")
    return version


def _sha256(bundle: bytes) -> str:
    return hashlib.sha256(bundle).hexdigest()
