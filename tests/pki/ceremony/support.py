"""A security account in memory, in which a ceremony can die at any call."""

# ruff: noqa: N803 # parameters are named as boto3 names them

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import boto3
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pki.ca_store import CaStore
from pki.ceremony.approval import Approval, approve
from pki.ceremony.execution import Ceremony, Established, execute
from pki.ceremony.plan import CeremonyPlan
from pki.ceremony.planning import Planner
from pki.ceremony.transcript import Actor, Transcript
from pki.ceremony.transcript_store import TranscriptBucket
from pki.issuing import Draft
from pki.keepers import Keepers
from pki.keys import KeyType, generate, signature_hash
from pki.organization import Authority, KeeperChoice, Organization
from pki.signer import KmsSigner
from tests.pki.support import NOW, RecordedProgress

ORGANIZATION = Organization(
    name="example",
    domain="example.com",
    github_repository="example-org/aws-api-gateway-mtls",
    region="eu-west-1",
    accounts={"security": "111111111111"},
    environments=(),
    root_keys=KeeperChoice(key_type=KeyType.EC_P256),
    issuing_keys=KeeperChoice(key_type=KeyType.EC_P256),
)
ACTOR = Actor("carol", "arn:aws:sts::111111111111:assumed-role/example-ceremony/pki-carol", "0")


class DiedError(BaseException):
    """The process is gone: nothing it would have done afterwards happens."""


class Fate:
    """Lets a number of moments pass, and none after that: one before and one after each call."""

    def __init__(self) -> None:
        self.moments_left: int | None = None
        self.raises: Callable[[], BaseException] = DiedError
        self.lasts = True

    def strike(self) -> None:
        if self.moments_left is None:
            return
        if self.moments_left == 0:
            if not self.lasts:
                self.moments_left = None
            raise self.raises()
        self.moments_left -= 1

    @contextmanager
    def call(self) -> Iterator[None]:
        self.strike()
        yield
        self.strike()


def refused(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "as a test wants it"}}, operation)


@dataclass
class MemoryS3:
    """Buckets, conditional writes, listing."""

    fate: Fate
    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        with self.fate.call():
            if (Bucket, Key) not in self.objects:
                raise refused("NoSuchKey", "GetObject")
            return {"Body": io.BytesIO(self.objects[Bucket, Key])}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, IfNoneMatch: str, **_: Any) -> None:
        assert IfNoneMatch == "*"
        with self.fate.call():
            if (Bucket, Key) in self.objects:
                raise refused("PreconditionFailed", "PutObject")
            self.objects[Bucket, Key] = Body

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_objects_v2"
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> list[dict[str, Any]]:
        with self.fate.call():
            found = sorted(k for b, k in self.objects if b == Bucket and k.startswith(Prefix))
            return [{"Contents": [{"Key": key} for key in found]}]


@dataclass
class MemoryKey:
    key: ec.EllipticCurvePrivateKey
    enabled: bool = True
    signed: list[bytes] = field(default_factory=list)


class MemoryKms:
    """Keys by alias, which only sign while they are enabled."""

    class meta:  # noqa: N801 # as boto3 calls it
        region_name = "eu-west-1"

    def __init__(self, fate: Fate) -> None:
        self.fate = fate
        self.keys: dict[str, MemoryKey] = {}

    def make(self, alias: str) -> MemoryKey:
        key = generate(KeyType.EC_P256)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self.keys[alias] = MemoryKey(key)
        return self.keys[alias]

    def describe_key(self, *, KeyId: str) -> dict[str, Any]:
        with self.fate.call():
            self._find(KeyId, "DescribeKey")
            return {"KeyMetadata": {"KeyId": KeyId}}

    def enable_key(self, *, KeyId: str) -> None:
        with self.fate.call():
            self._find(KeyId, "EnableKey").enabled = True

    def disable_key(self, *, KeyId: str) -> None:
        with self.fate.call():
            self._find(KeyId, "DisableKey").enabled = False

    def get_public_key(self, *, KeyId: str) -> dict[str, Any]:
        with self.fate.call():
            key = self._usable(KeyId, "GetPublicKey")
            spki = key.key.public_key().public_bytes(
                Encoding.DER, PublicFormat.SubjectPublicKeyInfo
            )
            return {"KeyUsage": "SIGN_VERIFY", "PublicKey": spki, "KeyId": KeyId}

    def sign(self, *, KeyId: str, Message: bytes, **_: Any) -> dict[str, Any]:
        with self.fate.call():
            key = self._usable(KeyId, "Sign")
            key.signed.append(Message)
            signature = key.key.sign(Message, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
            request_id = f"{KeyId}#{len(key.signed)}"
            return {"Signature": signature, "ResponseMetadata": {"RequestId": request_id}}

    def _usable(self, alias: str, operation: str) -> MemoryKey:
        key = self._find(alias, operation)
        if not key.enabled:
            raise refused("DisabledException", operation)
        return key

    def _find(self, alias: str, operation: str) -> MemoryKey:
        if alias not in self.keys:
            raise refused("NotFoundException", operation)
        return self.keys[alias]


class Account:
    """The security account, its clock, and the people's way into it."""

    def __init__(self) -> None:
        self.fate = Fate()
        self.s3 = MemoryS3(self.fate)
        self.kms = MemoryKms(self.fate)
        self.now = NOW
        self.kms.make(ORGANIZATION.transcript_key_alias)
        for authority in (ORGANIZATION.root("g1"), ORGANIZATION.issuing("dev", "g1")):
            self.kms.make(authority.key_alias)

    def client(self, service: str, config: object = None) -> Any:
        return {"s3": self.s3, "kms": self.kms, "sts": self}[service]

    def get_caller_identity(self) -> dict[str, str]:
        return {"Arn": ACTOR.caller_arn}

    def keys(self) -> Keepers:
        return Keepers(cast("boto3.Session", self), ORGANIZATION)

    def store(self) -> CaStore:
        return CaStore(cast("Any", self.s3), ORGANIZATION)

    def planner(
        self, requester: str = "alice", lifetime: timedelta = timedelta(hours=24)
    ) -> Planner:
        return Planner(
            organization=ORGANIZATION,
            store=self.store(),
            keys=self.keys(),
            progress=RecordedProgress(),
            requester=requester,
            now=self.now,
            lifetime=lifetime,
        )

    def ceremony(self) -> Ceremony:
        """As a new process has it: nothing is remembered from before."""
        return Ceremony(
            organization=ORGANIZATION,
            store=self.store(),
            keys=self.keys(),
            open_transcript=self.transcript,
            progress=RecordedProgress(),
            now=lambda: self.now,
        )

    def transcript(self, digest: str) -> Transcript:
        bucket = TranscriptBucket(cast("Any", self.s3), ORGANIZATION)
        signer = KmsSigner(cast("Any", self.kms), ORGANIZATION.transcript_key_alias)
        return Transcript.open(bucket, signer, digest, actor=ACTOR, now=lambda: self.now)

    def approve(self, plan: CeremonyPlan, approver: str = "bob") -> Approval:
        return approve(plan, approver=approver, digest=plan.digest, now=self.now)

    def execute(self, plan: CeremonyPlan) -> tuple[Established, ...]:
        return execute(self.ceremony(), plan, self.approve(plan))

    def certificates(self) -> dict[str, x509.Certificate]:
        store = self.store()
        return {entry.object_key: store.get(entry) for entry in store.authorities()}

    def signatures_of(self, authority: Authority) -> list[bytes]:
        return self.kms.keys[authority.key_alias].signed

    def is_locked(self, authority: Authority) -> bool:
        return not self.kms.keys[authority.key_alias].enabled

    def restore(self, objects: dict[tuple[str, str], bytes]) -> None:
        """Make the world what it was before, keys' logs included."""
        self.fate = self.s3.fate = self.kms.fate = Fate()
        self.s3.objects = dict(objects)
        for key in self.kms.keys.values():
            key.signed.clear()


def digest_to_sign(draft: Draft) -> bytes:
    """What a signature of the draft is over; another signature's certificate tells."""
    key = generate(KeyType.EC_P256)
    certificate = draft.builder().sign(key, signature_hash(draft.issuer.public_key))
    hasher = hashes.Hash(hashes.SHA256())
    hasher.update(certificate.tbs_certificate_bytes)
    return hasher.finalize()


def days(count: int) -> timedelta:
    return timedelta(days=count)


def at(moment: datetime, **later: int) -> datetime:
    return moment + timedelta(**later)
