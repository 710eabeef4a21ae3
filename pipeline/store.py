"""Where plan sets are kept between review and apply: an account's plan bucket, or a folder.

Whoever plans may write there and never read; only the apply role reads. An object is written once
(``If-None-Match``), under the digest of the set that it belongs to, and what is read has to have
the digest that the set names: so nobody who can write can change what was approved.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from pipeline.errors import PipelineError, TamperedError
from pipeline.model import MOMENT, PlannedUnit, PlanSet, digest_of
from pipeline.planning import PLAN_FILE, PLAN_JSON, PLAN_SET, write_private

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_MISSING = {"404", "NoSuchKey", "NotFound"}
_THERE = {"412", "PreconditionFailed", "409", "ConditionalRequestConflict"}
_MAXIMUM_BYTES = 100_000_000


class Objects(Protocol):
    """Bytes by key."""

    def name(self, key: str) -> str:
        """What people call an object."""

    def get(self, key: str) -> bytes | None:
        """An object's content; None when there is none."""

    def put(self, key: str, content: bytes) -> None:
        """Write an object, over what is there."""

    def put_new(self, key: str, content: bytes) -> bool:
        """Write an object; whether it was not there yet. What is there stays."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """Objects in S3."""

    client: "S3Client"
    bucket: str

    def name(self, key: str) -> str:
        """What people call an object."""
        return f"s3://{self.bucket}/{key}"

    def get(self, key: str) -> bytes | None:
        """An object's content; None when there is none.

        Raises:
            PipelineError: it cannot be read.
        """
        try:
            answer = self.client.get_object(Bucket=self.bucket, Key=key, ChecksumMode="ENABLED")
            if answer["ContentLength"] > _MAXIMUM_BYTES:
                raise PipelineError(f"{self.name(key)} is larger than any plan")
            return answer["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return None
            raise PipelineError(f"{self.name(key)} cannot be read: {error}") from error
        except BotoCoreError as error:
            raise PipelineError(f"{self.name(key)} cannot be read: {error}") from error

    def put(self, key: str, content: bytes) -> None:
        """Write an object, over what is there.

        Raises:
            PipelineError: it cannot be written.
        """
        try:
            self.client.put_object(
                Bucket=self.bucket, Key=key, Body=content, ChecksumSHA256=_checksum(content)
            )
        except (BotoCoreError, ClientError) as error:
            raise PipelineError(f"{self.name(key)} cannot be written: {error}") from error

    def put_new(self, key: str, content: bytes) -> bool:
        """Write an object; whether it was not there yet. What is there stays.

        Raises:
            PipelineError: it cannot be written.
        """
        try:
            self.client.put_object(
                Bucket=self.bucket,
                Key=key,
                Body=content,
                ChecksumSHA256=_checksum(content),
                IfNoneMatch="*",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _THERE:
                return False
            raise PipelineError(f"{self.name(key)} cannot be written: {error}") from error
        except BotoCoreError as error:
            raise PipelineError(f"{self.name(key)} cannot be written: {error}") from error
        return True


@dataclass(frozen=True, slots=True)
class Folder:
    """Objects in a folder."""

    path: Path

    def name(self, key: str) -> str:
        """What people call an object."""
        return str(self.path / key)

    def get(self, key: str) -> bytes | None:
        """An object's content; None when there is none."""
        try:
            return (self.path / key).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def put(self, key: str, content: bytes) -> None:
        """Write an object, over what is there."""
        write_private(self.path / key, content)

    def put_new(self, key: str, content: bytes) -> bool:
        """Write an object; whether it was not there yet. What is there stays."""
        if (self.path / key).exists():
            return False
        self.put(key, content)
        return True


@dataclass(frozen=True, slots=True)
class StoredSet:
    """A plan set that was read, and the plans beside it.

    Attributes:
        plan_set: the set.
        objects: where it lies.
        prefix: of its objects' keys.
    """

    plan_set: PlanSet
    objects: Objects
    prefix: str

    def plan_json(self, unit: PlannedUnit) -> bytes:
        """The plan of a unit as it was reviewed.

        Raises:
            TamperedError: it is another one, or gone.
        """
        return self._read(unit.path, PLAN_JSON, unit.json_sha256)

    def plan_file(self, unit: PlannedUnit) -> bytes:
        """The plan of a unit as Terraform wrote it.

        Raises:
            TamperedError: it is another one, or gone.
        """
        return self._read(unit.path, PLAN_FILE, unit.plan_sha256)

    def _read(self, unit: str, name: str, expected: str | None) -> bytes:
        key = f"{self.prefix}{unit}/{name}"
        content = self.objects.get(key)
        if content is None:
            raise TamperedError(f"{self.objects.name(key)} is gone", hint="plan again")
        _require(self.objects.name(key), content, expected)
        return content

    @property
    def journal(self) -> "Journal":
        """What was applied of it."""
        return Journal(self.objects, self.plan_set.digest)


@dataclass(frozen=True, slots=True)
class Journal:
    """Which units of a set were begun to be applied, and which were applied.

    Only where a unit was begun may its fresh plan be less than what was reviewed.

    Attributes:
        objects: where it is kept.
        digest: of the set.
    """

    objects: Objects
    digest: str

    def was_started(self, unit: str) -> bool:
        """Whether a unit of this set was begun to be applied.

        Raises:
            TamperedError: an entry is none of ours.
        """
        entry = self._entry(unit)
        return entry is not None

    def is_done(self, unit: str) -> bool:
        """Whether a unit of this set was applied to its end."""
        entry = self._entry(unit)
        return entry is not None and entry["state"] == "done"

    def write(self, unit: str, state: str) -> None:
        """Say that a unit is ``started``, or ``done``."""
        document = {
            "version": 1,
            "digest": self.digest,
            "unit": unit,
            "state": state,
            "at": datetime.now(UTC).strftime(MOMENT),
        }
        self.objects.put(self._key(unit), json.dumps(document, sort_keys=True).encode())

    def _entry(self, unit: str) -> Mapping[str, Any] | None:
        content = self.objects.get(self._key(unit))
        if content is None:
            return None
        try:
            entry = json.loads(content)
            if entry["digest"] == self.digest and entry["unit"] == unit:
                return dict(entry)
        except (ValueError, KeyError, TypeError):
            pass
        raise TamperedError(f"{self.objects.name(self._key(unit))} is no entry of this journal")

    def _key(self, unit: str) -> str:
        return f"applied/{_hex(self.digest)}/{unit}.json"


def upload(plan_set: PlanSet, folder: Path, objects: Objects) -> None:
    """Put a set that was just made where it is kept until it is applied.

    The set itself comes last: one that is there is whole. What is there already stays, since it
    cannot be read here; reading it will show whether it is the same.

    Raises:
        TamperedError: a plan in the folder is not the one that the set names.
        PipelineError: an object cannot be written.
    """
    prefix = f"plans/{_hex(plan_set.digest)}/"
    for unit in plan_set.units:
        for name, expected in ((PLAN_FILE, unit.plan_sha256), (PLAN_JSON, unit.json_sha256)):
            if expected is None:
                continue
            path = folder / unit.path / name
            content = path.read_bytes()
            _require(str(path), content, expected)
            objects.put_new(f"{prefix}{unit.path}/{name}", content)
    objects.put_new(f"{prefix}{PLAN_SET}", plan_set.to_bytes())


def fetch(objects: Objects, digest: str) -> StoredSet:
    """Read a set by its digest, as `upload` put it.

    Raises:
        PipelineError: there is none.
        TamperedError: it is another one.
    """
    return _load(objects, f"plans/{_hex(digest)}/", digest)


def open_folder(folder: Path, digest: str | None = None) -> StoredSet:
    """Read a set from the folder that `plan` wrote it to.

    Raises:
        PipelineError: there is none.
        TamperedError: it is another one than expected.
    """
    return _load(Folder(folder), "", digest)


def _load(objects: Objects, prefix: str, digest: str | None) -> StoredSet:
    key = f"{prefix}{PLAN_SET}"
    content = objects.get(key)
    if content is None:
        raise PipelineError(f"there is no plan set {objects.name(key)}", hint="plan first")
    if digest is not None:
        _require(objects.name(key), content, digest)
    plan_set = PlanSet.from_bytes(content)
    if plan_set.to_bytes() != content:
        raise TamperedError(f"{objects.name(key)} is not written as a plan set is")
    return StoredSet(plan_set, objects, prefix)


def _require(name: str, content: bytes, expected: str | None) -> None:
    found = digest_of(content)
    if found != expected:
        raise TamperedError(
            f"{name} is not what was reviewed: expected {expected}, found {found}",
            hint="it was changed after the plan was made: find out by whom, and plan again",
        )


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")


def _checksum(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode("ascii")
