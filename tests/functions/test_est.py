"""EST as a device sees it: bodies, answers, and what it is told when it is refused."""

import base64
import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from hypothesis import given
from hypothesis import strategies as st

from clientcert import Registry, RegistryRecord, fingerprint
from mtls_est import handler as module
from mtls_est.issuer import Issuer, by_role
from mtls_est.protocol import MAXIMUM_BODY_LENGTH, certificate_request, certificates_answer
from mtls_est.refusal import ANSWERS, Refusal, RefusedError
from mtls_issuer.refusal import Refusal as IssuerRefusal
from tests.functions.renewal import certify, make_request, new_key
from tests.functions.support import (
    FINGERPRINT,
    NOW_SECONDS,
    RECORD,
    REVOKED,
    Invoke,
    LogLines,
    event,
)
from tests.pki.support import build_hierarchy

REQUEST = make_request(new_key())
HIERARCHY = build_hierarchy()
CERTIFICATE = certify(HIERARCHY)
PKCS7 = pkcs7.serialize_certificates([CERTIFICATE], Encoding.DER)


def est_event(
    body: bytes | None = None,
    route: str = module.REENROLL_ROUTE,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """As API Gateway passes a body that is no text: in base64, whatever it holds."""
    document = event("token")
    document["routeKey"] = route
    document["headers"] = {"content-type": "application/pkcs10", **(headers or {})}
    sent = base64.encodebytes(REQUEST) if body is None else body
    document["body"] = base64.b64encode(sent).decode("ascii")
    document["isBase64Encoded"] = True
    return document


class TestBody:
    @pytest.mark.parametrize(
        "body",
        [
            base64.b64encode(REQUEST),
            base64.encodebytes(REQUEST),
            base64.encodebytes(REQUEST).replace(b"\n", b"\r\n"),
            b"\r\n " + base64.b64encode(REQUEST) + b"\t\r\n",
        ],
    )
    def test_white_space_in_the_base64_is_ignored(self, body: bytes) -> None:
        assert certificate_request(est_event(body)) == REQUEST

    def test_a_transfer_encoding_is_ignored(self) -> None:
        asked = est_event(headers={"content-transfer-encoding": "base64"})

        assert certificate_request(asked) == REQUEST

    def test_parameters_of_the_media_type_are_ignored(self) -> None:
        asked = est_event(headers={"content-type": "Application/PKCS10; charset=us-ascii"})

        assert certificate_request(asked) == REQUEST

    def test_a_body_that_comes_as_text_is_read_too(self) -> None:
        asked = est_event()
        asked |= {"body": base64.encodebytes(REQUEST).decode("ascii"), "isBase64Encoded": False}

        assert certificate_request(asked) == REQUEST

    @pytest.mark.parametrize(
        ("body", "reason"),
        [
            (b"", Refusal.BODY_MALFORMED),
            (b"  \r\n", Refusal.BODY_MALFORMED),
            (REQUEST, Refusal.BODY_MALFORMED),
            (b"-----BEGIN CERTIFICATE REQUEST-----\n", Refusal.BODY_MALFORMED),
            (b"QUJ", Refusal.BODY_MALFORMED),
            (b"A" * (MAXIMUM_BODY_LENGTH + 1), Refusal.BODY_OVERSIZED),
            (b"A" * 4 * MAXIMUM_BODY_LENGTH, Refusal.BODY_OVERSIZED),
        ],
    )
    def test_another_body_is_refused(self, body: bytes, reason: Refusal) -> None:
        with pytest.raises(RefusedError) as refused:
            certificate_request(est_event(body))
        assert refused.value.reason is reason

    def test_another_media_type_is_refused(self) -> None:
        with pytest.raises(RefusedError) as refused:
            certificate_request(est_event(headers={"content-type": "application/octet-stream"}))
        assert refused.value.reason is Refusal.CONTENT_TYPE_WRONG

    def test_a_query_is_refused(self) -> None:
        with pytest.raises(RefusedError) as refused:
            certificate_request(est_event() | {"rawQueryString": "renew=1"})
        assert refused.value.reason is Refusal.QUERY_NOT_ALLOWED

    @given(
        body=st.text() | st.binary().map(lambda data: data.decode("latin-1")), flag=st.booleans()
    )
    def test_any_body_is_read_or_refused(self, body: str, *, flag: bool) -> None:
        asked = est_event() | {"body": body, "isBase64Encoded": flag}
        try:
            outcome: object = bool(certificate_request(asked))
        except RefusedError as refused:
            outcome = refused.reason
        assert outcome in {True, Refusal.BODY_MALFORMED, Refusal.BODY_OVERSIZED}

    @given(der=st.binary(min_size=1, max_size=2000), gap=st.sampled_from([b"", b"\n", b"\r\n"]))
    def test_what_was_sent_arrives(self, der: bytes, gap: bytes) -> None:
        assert certificate_request(est_event(base64.encodebytes(der).replace(b"\n", gap))) == der


class TestAnswer:
    def test_openssl_reads_it(self, tmp_path: Path) -> None:
        answer = certificates_answer(PKCS7)
        (tmp_path / "answer").write_text(answer["body"])

        subprocess.run(
            ["openssl", "base64", "-d", "-in", tmp_path / "answer", "-out", tmp_path / "p7"],
            check=True,
        )
        printed = subprocess.run(
            ["openssl", "pkcs7", "-inform", "DER", "-in", tmp_path / "p7", "-print_certs"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout

        assert CERTIFICATE.public_bytes(Encoding.PEM).decode() in printed

    def test_it_is_named_as_rfc_7030_names_it(self) -> None:
        headers = certificates_answer(PKCS7)["headers"]

        assert headers["content-type"] == "application/pkcs7-mime; smime-type=certs-only"
        assert headers["content-transfer-encoding"] == "base64"

    def test_no_line_is_longer_than_64_characters(self) -> None:
        lines = certificates_answer(PKCS7)["body"].split("\r\n")

        assert max(map(len, lines)) == 64
        assert lines[-1] == ""


def test_every_reason_has_an_answer_and_every_reason_of_the_issuer_is_known_here() -> None:
    assert set(ANSWERS) == set(Refusal)
    assert {reason.value for reason in IssuerRefusal} <= {reason.value for reason in Refusal}


type Asked = list[Mapping[str, Any]]


@pytest.fixture
def found() -> dict[str, RegistryRecord]:
    """The registry: the certificate of the events, usable."""
    return {FINGERPRINT: RECORD}


@pytest.fixture
def answered() -> dict[str, Any]:
    """What the issuer answers; a test may change it."""
    pkcs7_text = base64.b64encode(PKCS7).decode("ascii")
    return {"pkcs7": pkcs7_text, "fingerprint": "b" * 64, "repeated": False}


@pytest.fixture
def asked(
    monkeypatch: pytest.MonkeyPatch,
    found: dict[str, RegistryRecord],
    answered: dict[str, Any],
) -> Asked:
    """The questions to the issuer."""
    questions: Asked = []

    def call(question: Mapping[str, Any]) -> Mapping[str, Any]:
        questions.append(json.loads(json.dumps(question)))
        return answered

    class Table(Registry):
        def __init__(self) -> None:
            pass

        def find(self, fingerprint: str) -> RegistryRecord | None:
            return found.get(fingerprint)

    service = module.Service(Table(), Issuer(call))
    monkeypatch.setattr(module, "_service", lambda: service)
    monkeypatch.setattr("time.time", lambda: NOW_SECONDS)
    return questions


class TestReenroll:
    def test_the_device_gets_the_new_certificate(self, asked: Asked, invoke: Invoke) -> None:
        answer = invoke(module.handler, est_event())

        assert answer["statusCode"] == 200
        (certificate,) = pkcs7.load_der_pkcs7_certificates(base64.b64decode(answer["body"]))
        assert certificate == CERTIFICATE

    def test_the_issuer_is_asked_with_what_was_presented(
        self, asked: Asked, invoke: Invoke
    ) -> None:
        invoke(module.handler, est_event())

        (question,) = asked
        assert question["operation"] == "renew"
        assert fingerprint(base64.b64decode(question["certificate"])) == FINGERPRINT
        assert base64.b64decode(question["request"]) == REQUEST
        assert question["correlation_id"] == event("token")["requestContext"]["requestId"]

    @pytest.mark.parametrize(
        ("record", "reason"),
        [
            (None, Refusal.CERTIFICATE_UNKNOWN),
            (REVOKED, Refusal.CERTIFICATE_REVOKED),
            (replace(RECORD, retires_at=RECORD.issued_at), Refusal.CERTIFICATE_RETIRED),
            (
                replace(RECORD, not_after=RECORD.not_before + timedelta(days=1)),
                Refusal.CERTIFICATE_OUTSIDE_VALIDITY,
            ),
        ],
    )
    @pytest.mark.parametrize("route", [module.REENROLL_ROUTE, module.CA_CERTIFICATES_ROUTE])
    def test_an_unusable_certificate_is_refused_before_the_issuer_is_asked(
        self,
        asked: Asked,
        found: dict[str, RegistryRecord],
        invoke: Invoke,
        logs: LogLines,
        record: RegistryRecord | None,
        reason: Refusal,
        route: str,
    ) -> None:
        found.clear()
        if record is not None:
            found[FINGERPRINT] = record

        answer = invoke(module.handler, est_event(route=route))

        assert answer["statusCode"] == 403
        assert answer["body"] == "The client certificate was not accepted.\n"
        assert asked == []
        assert [line["reason"] for line in logs.messages("refused")] == [reason.value]

    def test_a_call_without_mutual_tls_is_refused(self, asked: Asked, invoke: Invoke) -> None:
        request = est_event()
        del request["requestContext"]["authentication"]

        assert invoke(module.handler, request)["statusCode"] == 403
        assert asked == []

    def test_the_issuers_refusal_is_told_with_its_sentence(
        self, asked: Asked, answered: dict[str, Any], invoke: Invoke
    ) -> None:
        answered.clear()
        answered |= {"reason": "renewal_too_early", "message": "From 2026-12-24 on."}

        answer = invoke(module.handler, est_event())

        assert answer["statusCode"] == 403
        assert answer["headers"]["content-type"].startswith("text/plain")
        assert answer["body"] == "From 2026-12-24 on.\n"

    @pytest.mark.parametrize(
        "nonsense",
        [
            {},
            {"pkcs7": "no base64"},
            {"pkcs7": 7, "fingerprint": "b", "repeated": False},
            {"reason": "because", "message": "secret detail"},
        ],
    )
    def test_an_answer_that_is_none_is_a_failure(
        self, asked: Asked, answered: dict[str, Any], invoke: Invoke, nonsense: dict[str, Any]
    ) -> None:
        answered.clear()
        answered |= nonsense

        answer = invoke(module.handler, est_event())

        assert answer["statusCode"] == 500
        assert "secret" not in answer["body"]

    def test_no_line_holds_a_certificate_or_a_request(
        self, asked: Asked, invoke: Invoke, logs: LogLines
    ) -> None:
        invoke(module.handler, est_event())

        text = logs.text
        assert "BEGIN CERTIFICATE" not in text
        assert base64.b64encode(REQUEST).decode("ascii")[:40] not in text


def test_the_ca_certificates_are_what_the_issuer_tells(asked: Asked, invoke: Invoke) -> None:
    answer = invoke(module.handler, est_event(route=module.CA_CERTIFICATES_ROUTE))

    assert base64.b64decode(answer["body"]) == PKCS7
    assert asked == [{"operation": "ca_certificates"}]


def test_another_route_is_not_found(asked: Asked, invoke: Invoke) -> None:
    answer = invoke(module.handler, est_event(route="POST /.well-known/est/simpleenroll"))

    assert answer["statusCode"] == 404


def failing(error: Exception) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> Any:
        raise error

    return fail


def client_error(code: str, status: int) -> ClientError:
    response: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "Operation")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (EndpointConnectionError(endpoint_url="https://sts"), 503),
        (client_error("TooManyRequestsException", 429), 503),
        (client_error("ServiceException", 500), 503),
        (client_error("AccessDenied", 403), 500),
    ],
)
def test_only_what_may_pass_is_worth_trying_again(
    asked: Asked,
    monkeypatch: pytest.MonkeyPatch,
    aws_credentials: None,
    invoke: Invoke,
    error: Exception,
    status: int,
) -> None:
    sts = boto3.client("sts", region_name="eu-west-1")
    monkeypatch.setattr(sts, "assume_role", failing(error))
    issuer = Issuer(by_role(sts, "arn:aws:iam::111111111111:role/r", "issuer"))
    service = module.Service(module._service().registry, issuer)
    monkeypatch.setattr(module, "_service", lambda: service)

    answer = invoke(module.handler, est_event())

    assert answer["statusCode"] == status
    assert ("retry-after" in answer["headers"]) == (status == 503)
