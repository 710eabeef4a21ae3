"""Revocation lists on the platform, as its function publishes them; openssl is the judge."""

import json
import subprocess
from pathlib import Path

import pytest
from cryptography import x509

from clientcert import der_from_pem
from tests.support import ORGANIZATION, Platform

pytestmark = pytest.mark.platform

SECURITY = ORGANIZATION.security_account_id
KEY = "dev/g1.crl"


def publish(platform: Platform) -> None:
    answer = platform.aws("lambda", SECURITY).invoke(FunctionName="example-dev-crl", Payload=b"{}")
    document = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, document
    assert [entry["list"] for entry in document["lists"]] == [
        f"s3://{ORGANIZATION.crl_bucket}/{KEY}"
    ]


def published(platform: Platform, suffix: str = "") -> bytes:
    s3 = platform.aws("s3", SECURITY)
    content: bytes = s3.get_object(Bucket=ORGANIZATION.crl_bucket, Key=KEY + suffix)["Body"].read()
    return content


def test_a_revoked_certificate_stands_on_the_published_list(
    platform: Platform, tmp_path: Path
) -> None:
    device = platform.provision("crl-revoked")
    der = der_from_pem((device / "client.crt").read_text("ascii"))
    serial_number = x509.load_der_x509_certificate(der).serial_number
    platform.run("revoke-client", "crl-revoked", "--environment", "dev", "--all")

    publish(platform)

    listed = {entry.serial_number for entry in x509.load_der_x509_crl(published(platform))}
    assert serial_number in listed
    crl = tmp_path / "list.pem"
    crl.write_bytes(published(platform, ".pem"))
    chain = device / "chain.pem"
    done = subprocess.run(
        [
            *("openssl", "verify", "-x509_strict", "-crl_check", "-CRLfile", str(crl)),
            *("-CAfile", str(chain), str(device / "client.crt")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "certificate revoked" in done.stdout + done.stderr
