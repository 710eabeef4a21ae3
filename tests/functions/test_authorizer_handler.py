"""The authorizer as Lambda runs it: wired to AWS, answering in API Gateway's form."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from clientcert import RegistryRecord, SettingsError
from mtls_authorizer import handler as module
from mtls_authorizer.jwks import fetcher
from mtls_authorizer.refusal import Refusal
from mtls_authorizer.settings import Settings
from tests.functions.support import (
    APP_CLIENT_ID,
    CLAIMS,
    FINGERPRINT,
    ISSUER,
    NOW_SECONDS,
    RECORD,
    REGION,
    REVOKED,
    SERIAL_NUMBER,
    HttpServer,
    Invoke,
    LogLines,
    certificate_of,
    event,
    jwk,
    jwks,
    rsa_key,
    sign,
)

TABLE = "example-dev-registry"


@pytest.fixture
def environment(
    aws_credentials: None, monkeypatch: pytest.MonkeyPatch, http_server: HttpServer
) -> Iterator[None]:
    """The function's variables, an issuer, a registry, and time standing still."""
    http_server.body = jwks(jwk(rsa_key(), "key-1"))
    for name, value in {
        "ISSUER": ISSUER,
        "JWKS_URI": f"{ISSUER}/.well-known/jwks.json",
        "REGISTRY_TABLE": TABLE,
        "ROUTE_SCOPES": json.dumps({"GET /whoami": "api/read"}),
        "CLIENT_IDS": json.dumps([APP_CLIENT_ID]),
        "DECISION_CACHE_SECONDS": "0",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("time.time", lambda: NOW_SECONDS)
    module._authorizer.cache_clear()
    with mock_aws():
        boto3.client("dynamodb", region_name=REGION).create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "fingerprint", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "fingerprint", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        register(RECORD)
        # The emulator's way: the issuer's endpoints follow AWS_ENDPOINT_URL, DynamoDB is moto's.
        monkeypatch.setattr(
            module,
            "fetcher",
            lambda pool, url: fetcher(pool, url.replace(ISSUER, http_server.url)),
        )
        yield
    module._authorizer.cache_clear()


def register(record: RegistryRecord) -> None:
    boto3.client("dynamodb", region_name=REGION).put_item(TableName=TABLE, Item=record.to_item())


def call(token: str | None = None) -> dict[str, Any]:
    request = event("authorizer")
    request["headers"]["authorization"] = f"Bearer {token or sign()}"
    return request


@pytest.mark.usefixtures("environment")
class TestHandler:
    def test_allows_with_the_identity_as_context(self, invoke: Invoke) -> None:
        answer = invoke(module.handler, call())

        assert answer == {
            "isAuthorized": True,
            "context": {
                "client_id": "device-001",
                "fingerprint": FINGERPRINT,
                "scope": "api/read",
                "serial_number": SERIAL_NUMBER,
            },
        }

    def test_a_refusal_tells_the_caller_nothing(self, invoke: Invoke) -> None:
        register(REVOKED)

        assert invoke(module.handler, call()) == {"isAuthorized": False}

    def test_a_refusal_tells_the_log_the_reason(self, invoke: Invoke, logs: LogLines) -> None:
        register(REVOKED)

        invoke(module.handler, call())

        [line] = logs.messages("refused")
        assert line["reason"] == Refusal.CERTIFICATE_REVOKED
        assert line["route_key"] == "GET /whoami"
        assert line["correlation_id"] == "JKJaXmPLvHcESHC="

    def test_a_refusal_is_counted_by_reason(self, invoke: Invoke, logs: LogLines) -> None:
        register(REVOKED)

        invoke(module.handler, call())

        [metric] = logs.metrics("Refused")
        assert metric["reason"] == Refusal.CERTIFICATE_REVOKED
        assert ["environment", "service"] in metric["_aws"]["CloudWatchMetrics"][0]["Dimensions"]

    def test_an_allow_is_logged_and_counted(self, invoke: Invoke, logs: LogLines) -> None:
        invoke(module.handler, call())

        [line] = logs.messages("allowed")
        assert line["client_id"] == "device-001"
        assert logs.metrics("Allowed")

    @pytest.mark.parametrize("hostile", [{}, {"headers": []}, {"requestContext": "x"}])
    def test_an_event_of_another_form_is_refused(
        self, invoke: Invoke, hostile: dict[str, Any]
    ) -> None:
        assert invoke(module.handler, hostile) == {"isAuthorized": False}

    def test_an_event_that_breaks_the_reader_is_refused(
        self, invoke: Invoke, logs: LogLines
    ) -> None:
        assert invoke(module.handler, {"headers": {1: 2}}) == {"isAuthorized": False}
        [line] = logs.messages("refused")
        assert line["reason"] == Refusal.INTERNAL_ERROR

    def test_an_issuer_out_of_reach_is_a_refusal(
        self, invoke: Invoke, logs: LogLines, http_server: HttpServer
    ) -> None:
        http_server.status = 503

        assert invoke(module.handler, call()) == {"isAuthorized": False}
        [line] = logs.messages("refused")
        assert line["reason"] == Refusal.KEYS_UNAVAILABLE
        [cause] = logs.messages("no new keys from the issuer")
        assert cause["cause"] == "HTTP status 503"

    def test_a_registry_that_fails_is_a_refusal(self, invoke: Invoke, logs: LogLines) -> None:
        boto3.client("dynamodb", region_name=REGION).delete_table(TableName=TABLE)

        assert invoke(module.handler, call()) == {"isAuthorized": False}
        [line] = logs.messages("refused")
        assert line["reason"] == Refusal.REGISTRY_UNAVAILABLE

    def test_a_missing_variable_is_a_refusal(
        self, invoke: Invoke, logs: LogLines, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("ISSUER")

        assert invoke(module.handler, call()) == {"isAuthorized": False}
        assert "ISSUER: missing" in logs.text

    @pytest.mark.parametrize("record", [RECORD, REVOKED])
    def test_neither_token_nor_certificate_reaches_the_log(
        self,
        invoke: Invoke,
        logs: LogLines,
        monkeypatch: pytest.MonkeyPatch,
        record: RegistryRecord,
    ) -> None:
        # GIVEN even an environment that asks powertools to log events
        monkeypatch.setenv("POWERTOOLS_LOGGER_LOG_EVENT", "true")
        register(record)
        token = sign()

        for request in (
            call(token),
            call(token[:-8] + "AAAAAAAA"),
            call(sign({**CLAIMS, "exp": 1})),
        ):
            invoke(module.handler, request)

        assert logs.text
        for secret in (*token.split("."), certificate_of(event("authorizer")).splitlines()[3]):
            assert secret not in logs.text


ENVIRONMENT = {
    "ISSUER": ISSUER,
    "JWKS_URI": f"{ISSUER}/.well-known/jwks.json",
    "REGISTRY_TABLE": TABLE,
    "ROUTE_SCOPES": '{"GET /whoami": "api/read"}',
    "CLIENT_IDS": f'["{APP_CLIENT_ID}"]',
}


class TestSettings:
    def test_are_read_from_the_environment(self) -> None:
        assert Settings.from_environment(ENVIRONMENT) == Settings(
            issuer=ISSUER,
            jwks_uri=f"{ISSUER}/.well-known/jwks.json",
            registry_table=TABLE,
            route_scopes={"GET /whoami": "api/read"},
            client_ids=frozenset({APP_CLIENT_ID}),
            decision_cache_seconds=1,
        )

    def test_keys_come_from_the_endpoint_that_the_sdk_uses(self) -> None:
        settings = Settings.from_environment(
            {**ENVIRONMENT, "AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}
        )

        assert settings.jwks_uri == (
            "http://127.0.0.1:4566/eu-west-1_AbCdEf123/.well-known/jwks.json"
        )
        assert settings.issuer == ISSUER

    @pytest.mark.parametrize("name", sorted(ENVIRONMENT))
    def test_a_missing_variable_is_named(self, name: str) -> None:
        with pytest.raises(SettingsError, match=f"{name}: missing"):
            Settings.from_environment({**ENVIRONMENT, name: ""})

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("JWKS_URI", "http://cognito-idp.eu-west-1.amazonaws.com/x/.well-known/jwks.json"),
            ("ROUTE_SCOPES", "GET /whoami"),
            ("ROUTE_SCOPES", "[]"),
            ("ROUTE_SCOPES", '{"GET /whoami": ""}'),
            ("ROUTE_SCOPES", '{"GET /whoami": null}'),
            ("CLIENT_IDS", "x"),
            ("CLIENT_IDS", '"x"'),
            ("CLIENT_IDS", '[""]'),
            ("DECISION_CACHE_SECONDS", "2.1"),
            ("DECISION_CACHE_SECONDS", "-1"),
            ("DECISION_CACHE_SECONDS", "nan"),
            ("DECISION_CACHE_SECONDS", "soon"),
        ],
    )
    def test_a_wrong_variable_is_named(self, name: str, value: str) -> None:
        with pytest.raises(SettingsError, match=name):
            Settings.from_environment({**ENVIRONMENT, name: value})


def test_a_cached_allow_lives_no_longer_than_asked(
    environment: None, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN decisions that live a second, and an allowed call
    monkeypatch.setenv("DECISION_CACHE_SECONDS", "1")
    uptime = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: uptime[0])
    invoke(module.handler, call())

    # WHEN the certificate is revoked
    register(replace(REVOKED))
    uptime[0] += 0.9
    soon = invoke(module.handler, call())
    uptime[0] += 0.1
    later = invoke(module.handler, call())

    assert soon["isAuthorized"] is True
    assert later["isAuthorized"] is False
