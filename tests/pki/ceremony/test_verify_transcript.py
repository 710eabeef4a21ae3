"""``verify-transcript`` as a person types it, against moto's cloud and what its KMS was asked."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from botocore.client import BaseClient
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from clientcert import RevocationReason, fingerprint
from pki import console
from pki.ceremony.reconciliation import Issued, Kind
from pki.ceremony.transcript_store import TranscriptBucket
from pki.commands import verify_transcript
from pki.commands.verify_transcript import _Account
from pki.crl_bucket import CrlBucket
from pki.errors import UsageError
from pki.issuing import IssuerFacts, draft_client, sign
from pki.keys import KeyType, generate
from pki.progress import Progress
from pki.publication import Publication, publish
from pki.registry import StoredRecord
from tests.pki.support import (
    Cloud,
    RecordedProgress,
    build_hierarchy,
    client_record,
    establish,
    register,
)

HOUR = timedelta(hours=1)


@dataclass
class Trail:
    """CloudTrail's files: each signature that was asked for, as one would find it there."""

    cloud: Cloud
    folder: Path
    records: list[dict[str, Any]] = field(default_factory=list)

    def note(self, alias: str, request_id: str, principal: str = "ceremony") -> None:
        account = self.cloud.organization.security_account_id
        arn = self.cloud.security("kms").describe_key(KeyId=alias)["KeyMetadata"]["Arn"]
        self.records.append(
            self._record(
                eventName="Sign",
                requestID=request_id,
                eventID=f"event-{request_id}",
                userIdentity={"arn": f"arn:aws:sts::{account}:assumed-role/{principal}/somebody"},
                requestParameters={"keyId": alias},
                resources=[{"ARN": arn}],
            )
        )

    def write(self) -> None:
        """The files, which cover two hours."""
        now = console.now()
        ends = [
            self._record(now - HOUR, eventName="Decrypt"),
            self._record(now + HOUR, eventName="Decrypt"),
        ]
        self.folder.mkdir(exist_ok=True)
        (self.folder / "log.json").write_text(json.dumps({"Records": [*ends, *self.records]}))

    def _record(self, at: datetime | None = None, **facts: Any) -> dict[str, Any]:
        return {
            "eventTime": (at or console.now()).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventSource": "kms.amazonaws.com",
            "recipientAccountId": self.cloud.organization.security_account_id,
            **facts,
        }


@pytest.fixture
def trail(cloud: Cloud, tmp_path: Path) -> Iterator[Trail]:
    """From here on, everything that KMS signs is in it."""
    trail = Trail(cloud, tmp_path / "trail")
    make_api_call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def call(client: BaseClient, operation: str, parameters: Any) -> Any:
        answer = make_api_call(client, operation, parameters)
        if operation == "Sign":
            trail.note(parameters["KeyId"], answer["ResponseMetadata"]["RequestId"])
        return answer

    with mock.patch.object(BaseClient, "_make_api_call", call):
        yield trail


@dataclass
class Scene:
    """A ceremony was held, of which CloudTrail has every signature."""

    cloud: Cloud
    trail: Trail
    capsys: pytest.CaptureFixture[str]
    out: str = ""
    err: str = ""

    @property
    def digest(self) -> str:
        bucket = TranscriptBucket(self.cloud.security("s3"), self.cloud.organization)
        (digest,) = bucket.digests()
        return digest

    def run(self, *arguments: str) -> int:
        code = verify_transcript.main([*arguments, "--operator", "dave"])
        self.out, self.err = self.capsys.readouterr()
        return code

    def compare(self, *options: str) -> int:
        """With everything that CloudTrail shows by now."""
        self.trail.write()
        return self.run("--all", "--cloudtrail", str(self.trail.folder), *options)

    def compared(self) -> dict[str, Any]:
        self.compare("--json")
        found: dict[str, Any] = json.loads(self.out)["cloudtrail"]
        return found

    def counts(self) -> dict[str, int]:
        """The table under "signatures in CloudTrail"."""
        _, _, table = self.out.partition("signatures in CloudTrail")
        rows = (line.strip().rpartition(" ") for line in table.splitlines()[1:] if line.strip())
        return {label.strip(): int(count) for label, _, count in rows}

    def register(self, name: str, request_id: str | None) -> None:
        record = client_record(name * 64, client_id=f"device-{name}", issued_at=console.now())
        register(self.cloud.registry(), record, signature_request_id=request_id)

    def publish(self) -> str | None:
        """Publish a list that says something new; what its signature is called."""
        organization, s3 = self.cloud.organization, self.cloud.security("s3")
        progress: Progress = RecordedProgress()
        outcome = publish(
            Publication(
                environment="dev",
                store=self.cloud.store(),
                registry=self.cloud.registry(),
                bucket=CrlBucket(s3, organization.crl_bucket),
                signer_of=self.cloud.signer_of,
                progress=progress,
                now=console.now,
            ),
            always=True,
        )
        outcome.require_complete()
        return outcome.published[0].signature_request_id

    def make_crl_bucket(self) -> None:
        s3, bucket = self.cloud.security("s3"), self.cloud.organization.crl_bucket
        s3.create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


@pytest.fixture
def scene(
    cloud: Cloud,
    trail: Trail,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Scene:
    monkeypatch.chdir(cloud.live_dir.parent)
    lock_objects(cloud)
    establish(cloud, now=console.now())
    return Scene(cloud, trail, capsys)


def lock_objects(cloud: Cloud) -> None:
    """Make the ceremony's log as modules/ceremony-log does."""
    s3, bucket = cloud.security("s3"), cloud.organization.ceremony_log_bucket
    s3.delete_bucket(Bucket=bucket)
    s3.create_bucket(
        Bucket=bucket,
        CreateBucketConfiguration={"LocationConstraint": "eu-west-1"},
        ObjectLockEnabledForBucket=True,
    )
    s3.put_object_lock_configuration(
        Bucket=bucket,
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Years": 10}},
        },
    )


# --- What is in the registry, and in the bucket of lists


def account_of(scene: Scene) -> _Account:
    return _Account.of(scene.cloud.organization, "dave")


def issue(scene: Scene) -> StoredRecord:
    """A client's certificate, signed by the issuing CA and registered with that."""
    cloud = scene.cloud
    authority = cloud.organization.issuing("dev", "g1")
    issuer = cloud.store().get(authority)
    key = generate(KeyType.EC_P256).public_key()
    now = console.now().replace(microsecond=0)
    draft = draft_client(IssuerFacts.of(issuer), key, "device-001", 24 * HOUR, now)
    signed = sign(draft, cloud.signer_of(authority), now)
    der = signed.certificate.public_bytes(Encoding.DER)
    name = issuer.subject.rfc4514_string()
    record = client_record(fingerprint(der), issuer=name, issued_at=now)
    request_id = signed.signature_request_id
    register(cloud.registry(), record, signature_request_id=request_id, certificate_der=der)
    stored = cloud.registry().stored(record.fingerprint)
    assert stored is not None
    return stored


def test_a_registered_certificate_proves_its_signature_also_when_it_is_revoked(
    scene: Scene,
) -> None:
    record = issue(scene).record
    registry = scene.cloud.registry()
    registry.revoke(record.fingerprint, RevocationReason.KEY_COMPROMISE, console.now())
    account = account_of(scene)

    (found,) = account.registered(account.issuing_cas())

    name = f"dev/device-001 {record.fingerprint}"
    request_id = scene.trail.records[-1]["requestID"]
    key = scene.cloud.organization.issuing("dev", "g1").key_alias
    assert found == Issued(Kind.CERTIFICATE, name, key, request_id, record.issued_at)


def test_a_record_without_its_certificate_proves_none(scene: Scene) -> None:
    scene.register("a", "request-a")
    account = account_of(scene)

    (found,) = account.registered(account.issuing_cas())

    assert (found.request_id, found.key_id) == ("request-a", None)


def test_an_environment_that_has_no_issuing_ca_yet_is_not_asked_for_its_registry(
    scene: Scene,
) -> None:
    scene.register("a", "request-a")
    organization = scene.cloud.organization
    later = replace(organization.environment("dev"), name="stage")
    environments = (*organization.environments, later)
    account = replace(
        account_of(scene), organization=replace(organization, environments=environments)
    )

    (found,) = account.registered(account.issuing_cas())

    assert found.request_id == "request-a"


def lists_of(scene: Scene, since: datetime) -> list[Issued]:
    account = account_of(scene)
    return list(account.revocation_lists(account.issuing_cas(), since))


def test_every_version_of_a_list_proves_its_signature_and_its_copy_in_pem_needs_none(
    scene: Scene,
) -> None:
    scene.make_crl_bucket()
    signatures = {scene.publish(), scene.publish()}

    found = lists_of(scene, console.now() - HOUR)

    key = scene.cloud.organization.issuing("dev", "g1").key_alias
    assert {entry.request_id for entry in found} == signatures
    assert [(entry.kind, entry.key_id) for entry in found] == 2 * [(Kind.CRL, key)]
    assert all(
        entry.name.startswith("s3://example-crl-111111111111/dev/g1.crl?") for entry in found
    )


def test_lists_from_before_are_left_out(scene: Scene) -> None:
    scene.make_crl_bucket()
    scene.publish()

    assert lists_of(scene, console.now() + HOUR) == []


def test_without_a_bucket_there_are_no_lists(scene: Scene) -> None:
    assert lists_of(scene, datetime.min.replace(tzinfo=UTC)) == []


# --- The command


def test_a_transcript_is_shown_and_proved(scene: Scene) -> None:
    assert scene.run(scene.digest) == 0, scene.err

    heading, row = scene.out.splitlines()
    assert heading.split("  ")[0] == "transcript"
    assert row.split()[:3] == [scene.digest[7:19], "bootstrap", "bob"]
    assert row.split()[-2:] == ["closed", "whole"]


def test_everything_that_was_signed_is_explained(scene: Scene) -> None:
    scene.make_crl_bucket()
    scene.publish()
    issue(scene)

    assert scene.compare() == 0, scene.err

    counts = scene.counts()
    assert counts.pop("with their object") == len(scene.trail.records)
    assert set(counts.values()) == {0}


def test_a_signature_that_nothing_explains_is_named(scene: Scene) -> None:
    key = scene.cloud.organization.root("g1").key_alias
    scene.trail.note(key, "stray", principal="administrator")

    assert scene.compare() == 1

    assert scene.counts()["unexplained"] == 1
    assert "warning: unexplained: event event-stray at " in scene.err
    assert f"assumed-role/administrator/somebody signed with {key}" in scene.err
    assert "not all is accounted for: 1 signatures that nothing explains" in scene.err


def test_a_certificate_whose_signature_cloudtrail_does_not_show_is_named(scene: Scene) -> None:
    record = client_record("c" * 64, issued_at=console.now() - HOUR / 2)
    register(scene.cloud.registry(), record, signature_request_id="gone")

    assert scene.compare() == 1

    assert scene.counts()["not shown, though they should be"] == 1
    assert f"missing: client certificate dev/device-001 {'c' * 64}: request gone" in scene.err


def test_a_certificate_of_just_now_may_not_show_yet(scene: Scene) -> None:
    scene.register("a", "not-yet")

    assert scene.compare() == 0, scene.err

    assert scene.counts()["not shown yet (up to 15 minutes)"] == 1


def test_a_ca_certificate_without_a_transcript_is_named(scene: Scene) -> None:
    other = scene.cloud.organization.root("g7")
    scene.cloud.store().put(other, build_hierarchy(now=console.now()).root.certificate)

    assert scene.compare() == 1

    location = scene.cloud.store().location(other)
    assert f"warning: no transcript has the CA certificate {location}" in scene.err


def test_json_says_it_all(scene: Scene) -> None:
    scene.register("b", None)
    scene.trail.note(scene.cloud.organization.root("g1").key_alias, "stray")

    assert scene.compare("--json") == 1

    document = json.loads(scene.out)
    (transcript,) = document["transcripts"]
    found = document["cloudtrail"]
    assert (transcript["plan"], transcript["whole"], transcript["approver"]) == (
        *(scene.digest, True),
        "bob",
    )
    assert [event["request_id"] for event in found["unexplained"]] == ["stray"]
    assert [entry["name"] for entry in found["untraced"]] == [f"dev/device-b {'b' * 64}"]
    assert found["matched"] == len(scene.trail.records) - 1
    assert found["complete"] is False


def test_an_entry_without_a_lock_is_a_finding(
    cloud: Cloud, trail: Trail, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(cloud.live_dir.parent)
    establish(cloud, now=console.now())
    scene = Scene(cloud, trail, capsys)

    assert scene.run(scene.digest) == 1

    assert "1 transcripts that are not whole" in scene.err
    assert "finding" in scene.out.splitlines()[1]


def downloaded(scene: Scene, folder: Path) -> list[str]:
    """What the command is given where there is no AWS: the entries and the public key."""
    s3, organization = scene.cloud.security("s3"), scene.cloud.organization
    bucket = organization.ceremony_log_bucket
    for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]:
        path = folder / entry["Key"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read())
    spki = scene.cloud.security("kms").get_public_key(KeyId=organization.transcript_key_alias)
    key = folder / "transcript.pem"
    key.write_bytes(
        load_der_public_key(spki["PublicKey"]).public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        )
    )
    return ["--from", str(folder), "--public-key", str(key)]


def test_a_downloaded_transcript_asks_nothing_of_aws(scene: Scene, tmp_path: Path) -> None:
    options = downloaded(scene, tmp_path / "copy")

    with mock.patch.object(BaseClient, "_make_api_call", side_effect=AssertionError("asked")):
        code = scene.run("--all", *options)

    assert code == 0, scene.err
    assert "note: CloudTrail was not asked" in scene.err


def test_a_changed_entry_is_named(scene: Scene, tmp_path: Path) -> None:
    options = downloaded(scene, tmp_path / "copy")
    path = next((tmp_path / "copy").rglob("000002.json"))
    path.write_bytes(path.read_bytes().replace(b"carol", b"mallory"))

    assert scene.run("--all", *options) == 1

    assert f"warning: {scene.digest[7:19]} 000002.json: " in scene.err


def test_an_unknown_transcript_is_told(scene: Scene) -> None:
    assert scene.run("0" * 64) == 1

    assert f"there is no transcript of sha256:{'0' * 64}" in scene.err


def test_a_file_that_is_no_key_is_wrong_usage(scene: Scene, tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text("no key")

    assert scene.run(scene.digest, "--public-key", str(path)) == 2

    assert f"{path} is no public key in PEM" in scene.err


def test_cloudtrail_without_all_is_wrong_usage(scene: Scene) -> None:
    assert scene.run(scene.digest, "--cloudtrail", "lookup") == 2

    assert "--cloudtrail goes with --all" in scene.err


@pytest.mark.parametrize("text", ["a" * 64, f"sha256:{'A' * 64}"])
def test_a_digest_is_read_with_its_algorithm_or_without(text: str) -> None:
    assert verify_transcript.parse_digest(text) == f"sha256:{'a' * 64}"


@pytest.mark.parametrize("text", ["", "a" * 63, f"sha1:{'a' * 64}", "g" * 64])
def test_anything_else_is_no_digest(text: str) -> None:
    with pytest.raises(UsageError, match="is no digest"):
        verify_transcript.parse_digest(text)
