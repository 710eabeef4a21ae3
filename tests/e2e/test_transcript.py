"""The ceremony that brought the platform up is proved, and a signature outside of any is named.

Other tests of the same platform leave signatures that nothing explains, whether they mean to or
kill a run on its way: each test here looks at the signatures that are its own.
"""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from clientcert import fingerprint
from local.caller import Identity
from local.story import Stage
from pki.ceremony.cloudtrail import look_up
from pki.crl_bucket import SIGNATURE_REQUEST_ID
from pki.registry import StoredRecord
from tests.support import ORGANIZATION, Platform

pytestmark = pytest.mark.platform

SECURITY = ORGANIZATION.security_account_id
ADMINISTRATOR = f"arn:aws:iam::{SECURITY}:root"


def verify(platform: Platform, *options: str) -> tuple[int, dict[str, Any]]:
    done = platform.run("verify-transcript", "--all", "--json", *options, check=False)
    document: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, document


def request_ids(document: dict[str, Any], finding: str) -> set[str]:
    return {entry["request_id"] for entry in document["cloudtrail"][finding]}


def shown(platform: Platform) -> set[str]:
    """What CloudTrail calls the signatures that it shows."""
    found = look_up(platform.aws("cloudtrail", SECURITY), datetime.now(UTC))
    return {event.request_id for event in found.events}


def test_the_platforms_ceremony_is_whole_and_every_use_of_its_root_is_accounted_for(
    platform: Platform,
) -> None:
    _, document = verify(platform)

    [transcript] = [entry for entry in document["transcripts"] if entry["operation"] == "bootstrap"]
    found = document["cloudtrail"]
    assert (transcript["whole"], transcript["outcome"], transcript["findings"]) == (
        *(True, "closed"),
        [],
    )
    assert transcript["approver"] != transcript["requester"]
    # Also a run that was killed on its way has said before that it would use this key.
    root = ORGANIZATION.root("g1").key_alias
    unexplained = [event for event in found["unexplained"] if event["key"] == root]
    assert [event for event in unexplained if event["principal"] != ADMINISTRATOR] == []
    assert found["missing"] == []
    assert found["ca_certificates_without_transcript"] == []
    assert found["matched"] > transcript["entries"]


def provisioned(platform: Platform, stage: Stage, name: str) -> list[StoredRecord]:
    """A device, and its successor by EST."""
    clients = platform.state_dir / "clients"
    platform.run(
        *("provision-client", name, "--environment", "dev", "--generate-key", "--days", "20"),
        *("--additional", "--force", "--output-dir", str(clients)),
    )
    first = Identity(clients / name / "client.crt", clients / name / "client.key")
    key, request = stage.new_request(name)
    second = stage.renewed(stage.renew(first, request), key)
    found = [stage.registry.stored(fingerprint_of(each.certificate)) for each in (first, second)]
    return [stored for stored in found if stored is not None]


def fingerprint_of(path: Path) -> str:
    certificate, *_ = x509.load_pem_x509_certificates(path.read_bytes())
    return fingerprint(certificate.public_bytes(Encoding.DER))


def published(platform: Platform) -> set[str]:
    """Publish anew; the signatures of the lists that are there then."""
    platform.run("publish-crl", "--environment", "dev", "--always")
    s3, bucket = platform.aws("s3", SECURITY), ORGANIZATION.crl_bucket
    lists = [
        entry["Key"]
        for entry in s3.list_objects_v2(Bucket=bucket, Prefix="dev/")["Contents"]
        if entry["Key"].endswith(".crl")
    ]
    heads = [s3.head_object(Bucket=bucket, Key=key) for key in lists]
    return {head["Metadata"][SIGNATURE_REQUEST_ID] for head in heads}


def test_a_certificate_its_renewal_and_a_revocation_list_are_explained(
    platform: Platform, stage: Stage
) -> None:
    first, second = provisioned(platform, stage, "transcript-renewed")
    signatures = {first.signature_request_id, second.signature_request_id, *published(platform)}

    _, document = verify(platform)

    assert second.record.renewed_from == first.record.fingerprint
    assert len(signatures) >= 3
    assert signatures <= shown(platform)
    for finding in ("unexplained", "missing", "pending", "untraced"):
        assert not signatures & request_ids(document, finding), finding


def test_a_signature_by_an_administrator_is_named(platform: Platform) -> None:
    key = ORGANIZATION.issuing("dev", "g1").key_alias
    kms = platform.aws("kms", SECURITY)
    hashed = kms.describe_key(KeyId=key)["KeyMetadata"]["SigningAlgorithms"][0]
    algorithm = "RSASSA_PKCS1_V1_5_SHA_256" if hashed.startswith("RSA") else hashed
    length = 48 if algorithm.endswith("384") else 32
    stray = kms.sign(
        KeyId=key, Message=bytes(length), MessageType="DIGEST", SigningAlgorithm=algorithm
    )

    code, document = verify(platform)

    request_id = stray["ResponseMetadata"]["RequestId"]
    [event] = [
        event
        for event in document["cloudtrail"]["unexplained"]
        if event["request_id"] == request_id
    ]
    assert code == 1
    assert (event["principal"], event["key"]) == (ADMINISTRATOR, key)


def test_a_downloaded_transcript_is_proved_without_aws(platform: Platform, tmp_path: Path) -> None:
    storage = platform.aws("s3", SECURITY)
    bucket = ORGANIZATION.ceremony_log_bucket
    for entry in storage.list_objects_v2(Bucket=bucket)["Contents"]:
        path = tmp_path / entry["Key"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(storage.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read())
    key = tmp_path / "transcript.pem"
    spki = platform.aws("kms", SECURITY).get_public_key(KeyId=ORGANIZATION.transcript_key_alias)
    key.write_bytes(
        load_der_public_key(spki["PublicKey"]).public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        )
    )

    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": ""}
    offline = replace(platform, environment=platform.environment | nowhere)
    code, document = verify(offline, "--from", str(tmp_path), "--public-key", str(key))

    assert code == 0
    assert document["cloudtrail"] is None
    assert document["transcripts"]
