"""The ceremony that brought the platform up is proved, and a signature outside of any is named."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from tests.support import ORGANIZATION, Platform

pytestmark = pytest.mark.platform

SECURITY = ORGANIZATION.security_account_id
ADMINISTRATOR = f"arn:aws:iam::{SECURITY}:root"


def verify(platform: Platform, *options: str) -> tuple[int, dict[str, Any]]:
    done = platform.run("verify-transcript", "--all", "--json", *options, check=False)
    document: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, document


def unexplained(document: dict[str, Any]) -> list[dict[str, Any]]:
    """But for those of this test, of which a platform that was kept has some."""
    return [
        event
        for event in document["cloudtrail"]["unexplained"]
        if event["principal"] != ADMINISTRATOR
    ]


def test_the_platforms_ceremony_is_whole_and_every_signature_is_accounted_for(
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
    assert unexplained(document) == []
    assert found["missing"] == []
    assert found["ca_certificates_without_transcript"] == []
    assert found["matched"] > transcript["entries"]


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
