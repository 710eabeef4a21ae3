"""The issuer as Lambda runs it: KMS, the CA's bucket, and the registry of another account."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from clientcert import fingerprint
from mtls_issuer import handler as module
from mtls_issuer.refusal import Refusal
from pki.issuing import CertificateAuthority, issue_issuing_ca, issue_root
from pki.keys import public_key_sha256
from pki.profiles import ca_name
from tests.functions.renewal import DEVICE, certify, make_request, new_key, record_of
from tests.functions.support import Invoke, LogLines
from tests.pki.support import Cloud, Hierarchy

ENVIRONMENT = {
    "AWS_REGION": "eu-west-1",
    "DOMAIN": "example.com",
    "ENVIRONMENT": "dev",
    "ORGANIZATION": "example",
    "SECURITY_ACCOUNT_ID": "111111111111",
    "WORKLOAD_ACCOUNT_ID": "222222222222",
    "WORKLOAD_ACCOUNT_NAME": "non-prod",
    "WORKLOAD_REGION": "eu-west-1",
    "RENEWAL_POLICY": '{"clients": ["device-*"], "key_types": ["ec-p256"], "lifetime_days": 90, '
    '"overlap_days": 7, "window_days": 30}',
}


@pytest.fixture
def authority(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Hierarchy:
    """A CA whose keys are in KMS, and the function's own credentials."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    # moto takes an access key that it does not know for its default account.
    session = cloud.security("s3")._request_signer._credentials.get_frozen_credentials()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", session.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", session.secret_key)
    monkeypatch.setenv("AWS_SESSION_TOKEN", session.token)
    module._settings.cache_clear()
    now = datetime.now(UTC)
    organization = cloud.organization
    first, issuing = organization.root("g1"), organization.issuing("dev", "g1")
    root_signer, signer = cloud.signer_of(first), cloud.signer_of(issuing)
    root = issue_root(root_signer, ca_name("example", first.common_name), now)
    certificate = issue_issuing_ca(
        CertificateAuthority(root, root_signer),
        signer.public_key(),
        ca_name("example", issuing.common_name),
        now,
    )
    cloud.store().put(first, root)
    cloud.store().put(issuing, certificate)
    return Hierarchy(
        CertificateAuthority(root, root_signer), CertificateAuthority(certificate, signer)
    )


@pytest.fixture
def presented(cloud: Cloud, authority: Hierarchy) -> bytes:
    """A device's certificate, within its window of renewal."""
    key, now = new_key(), datetime.now(UTC)
    certificate = certify(authority, key, now=now)
    registry = cloud.registry()
    record = record_of(certificate, DEVICE, now.replace(microsecond=0))
    registry.add(record, public_key_sha256(key.public_key()), registry.client(DEVICE))
    return certificate.public_bytes(Encoding.DER)


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def certificates(answer: dict[str, Any]) -> list[x509.Certificate]:
    return pkcs7.load_der_pkcs7_certificates(base64.b64decode(answer["pkcs7"]))


def call(presented: bytes, request: bytes) -> dict[str, Any]:
    return {
        "operation": "renew",
        "certificate": encoded(presented),
        "request": encoded(request),
        "correlation_id": "request-1",
    }


def test_it_signs_with_kms_and_registers_in_the_other_account(
    cloud: Cloud, authority: Hierarchy, presented: bytes, invoke: Invoke, logs: LogLines
) -> None:
    answer = invoke(module.handler, call(presented, make_request(new_key())))

    (certificate,) = certificates(answer)
    certificate.verify_directly_issued_by(authority.issuing.certificate)
    stored = cloud.registry().stored(answer["fingerprint"])
    assert stored is not None
    assert stored.record.renewed_from == fingerprint(presented)
    assert stored.certificate_der == certificate.public_bytes(Encoding.DER)
    assert stored.signature_request_id


def test_it_logs_whom_it_renewed_and_what_kms_calls_the_signature(
    cloud: Cloud, presented: bytes, invoke: Invoke, logs: LogLines
) -> None:
    answer = invoke(module.handler, call(presented, make_request(new_key())))

    (line,) = logs.messages("renewed")
    stored = cloud.registry().stored(answer["fingerprint"])
    assert stored is not None
    assert line["client_id"] == DEVICE
    assert line["signature_request_id"] == stored.signature_request_id
    assert line["correlation_id"] == "request-1"


def test_the_same_call_again_gives_the_same_certificate(presented: bytes, invoke: Invoke) -> None:
    question = call(presented, make_request(new_key()))

    first, again = (invoke(module.handler, question) for _ in range(2))

    assert (first["repeated"], again["repeated"]) == (False, True)
    assert again["pkcs7"] == first["pkcs7"]


def test_ca_certificates_are_the_issuing_ones_and_their_root(
    authority: Hierarchy, invoke: Invoke
) -> None:
    answer = invoke(module.handler, {"operation": "ca_certificates"})

    assert set(certificates(answer)) == {
        authority.issuing.certificate,
        authority.root.certificate,
    }


def test_a_refusal_is_an_answer_with_its_reason(
    cloud: Cloud, presented: bytes, invoke: Invoke, logs: LogLines
) -> None:
    cloud.registry().retire(fingerprint(presented), datetime.now(UTC) - timedelta(seconds=2))

    answer = invoke(module.handler, call(presented, make_request(new_key())))

    assert answer == {"reason": "certificate_retired", "message": ""}
    (line,) = logs.messages("refused")
    assert line["reason"] == "certificate_retired"


@pytest.mark.parametrize(
    "break_it",
    [
        lambda question: question.pop("operation"),
        lambda question: question.update(operation="revoke"),
        lambda question: question.pop("certificate"),
        lambda question: question.update(request=7),
        lambda question: question.update(request="no base64"),
    ],
)
def test_another_call_is_refused(
    presented: bytes, invoke: Invoke, break_it: Callable[[dict[str, Any]], object]
) -> None:
    question = call(presented, make_request(new_key()))
    break_it(question)

    assert invoke(module.handler, question)["reason"] == Refusal.CALL_MALFORMED


def test_no_line_holds_a_certificate_or_a_request(
    presented: bytes, invoke: Invoke, logs: LogLines
) -> None:
    request = make_request(new_key())
    invoke(module.handler, call(presented, request))

    text = logs.text
    assert encoded(presented)[:40] not in text
    assert encoded(request)[:40] not in text
