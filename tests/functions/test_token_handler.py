"""The token endpoint as Lambda runs it: moto for AWS, a real HTTP server for Cognito."""

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import boto3
import pytest
from moto import mock_aws

from clientcert import RegistryRecord, SignedStatement
from mtls_token import handler as module
from mtls_token.cognito import token_endpoint
from mtls_token.refusal import Refusal
from tests.functions.support import (
    APP_CLIENT_ID,
    APP_CLIENT_SECRET,
    CLAIMS,
    FINGERPRINT,
    ISSUER,
    NOW_SECONDS,
    RECORD,
    REGION,
    REVOKED,
    THUMBPRINT,
    HttpServer,
    Invoke,
    LogLines,
    certificate_of,
    event,
    sign,
    without,
)

TABLE = "example-dev-registry"
DOMAIN = "api.dev.example.com"


@pytest.fixture(autouse=True)
def key_id(
    aws_credentials: None, monkeypatch: pytest.MonkeyPatch, http_server: HttpServer
) -> Iterator[str]:
    """All that the function needs; gives the id of the KMS key under the statements."""

    def grant() -> bytes:
        _, _, _, body = http_server.requests[-1]
        metadata = json.loads(parse_qs(body.decode())["aws_client_metadata"][0])
        token = sign({**CLAIMS, "cnf": {"x5t#S256": metadata["x5t_s256"]}})
        return json.dumps(
            {"access_token": token, "token_type": "Bearer", "expires_in": 900}
        ).encode()

    http_server.answer = grant
    with mock_aws():
        boto3.client("dynamodb", region_name=REGION).create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "fingerprint", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "fingerprint", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        boto3.client("secretsmanager", region_name=REGION).create_secret(
            Name=f"example-dev/app-client/{APP_CLIENT_ID}",
            SecretString=json.dumps(
                {"client_id": APP_CLIENT_ID, "client_secret": APP_CLIENT_SECRET}
            ),
        )
        key = boto3.client("kms", region_name=REGION).create_key(
            KeyUsage="GENERATE_VERIFY_MAC", KeySpec="HMAC_256"
        )
        register(RECORD)
        for name, value in {
            "REGISTRY_TABLE": TABLE,
            "COGNITO_TOKEN_ENDPOINT": "https://example-dev.auth.example/oauth2/token",
            "APP_CLIENT_SECRET_PREFIX": "example-dev/app-client",
            "BINDING_KEY_ID": key["KeyMetadata"]["KeyId"],
            "API_DOMAIN_NAME": DOMAIN,
            "SCOPES_SUPPORTED": '["api/read", "api/write"]',
            "JWKS_URI": f"{ISSUER}/.well-known/jwks.json",
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(
            module,
            "token_endpoint",
            lambda pool, url: token_endpoint(
                pool, url.replace("https://example-dev.auth.example", http_server.url)
            ),
        )
        monkeypatch.setattr("time.time", lambda: NOW_SECONDS)
        module._service.cache_clear()
        yield key["KeyMetadata"]["KeyId"]
    module._service.cache_clear()


def register(record: RegistryRecord) -> None:
    boto3.client("dynamodb", region_name=REGION).put_item(TableName=TABLE, Item=record.to_item())


def body_of(answer: dict[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(answer["body"])
    return document


def test_a_captured_request_gets_a_bound_token(invoke: Invoke) -> None:
    answer = invoke(module.handler, event("token"))

    document = body_of(answer)
    claims = json.loads(base64.urlsafe_b64decode(document["access_token"].split(".")[1] + "=="))
    assert answer["statusCode"] == 200
    assert without(document, "access_token") == {
        "token_type": "Bearer",
        "expires_in": 900,
        "scope": "api/read",
    }
    assert claims["cnf"] == {"x5t#S256": THUMBPRINT}


def test_the_statement_to_cognito_is_one_that_kms_verifies(
    invoke: Invoke, http_server: HttpServer, key_id: str
) -> None:
    invoke(module.handler, event("token"))

    _, _, _, body = http_server.requests[-1]
    signed = SignedStatement.from_metadata(
        json.loads(parse_qs(body.decode())["aws_client_metadata"][0])
    )
    assert boto3.client("kms", region_name=REGION).verify_mac(
        KeyId=key_id,
        Message=signed.statement.message(),
        Mac=signed.mac,
        MacAlgorithm="HMAC_SHA_256",
    )["MacValid"]


def test_every_statement_has_a_nonce_of_its_own(invoke: Invoke, http_server: HttpServer) -> None:
    for _ in range(3):
        invoke(module.handler, event("token"))

    bodies = [parse_qs(body.decode()) for _, _, _, body in http_server.requests]
    nonces = {json.loads(form["aws_client_metadata"][0])["nonce"] for form in bodies}
    assert len(nonces) == 3


def test_an_issued_token_is_logged_by_whom_and_counted(invoke: Invoke, logs: LogLines) -> None:
    invoke(module.handler, event("token"))

    [line] = logs.messages("issued")
    assert line["client_id"] == "device-001"
    assert line["fingerprint"] == FINGERPRINT
    assert line["correlation_id"] == "JKJaXmPLvHcESHA="
    assert logs.metrics("Issued")


def test_a_refusal_tells_the_client_the_error_and_the_log_the_reason(
    invoke: Invoke, logs: LogLines
) -> None:
    register(REVOKED)

    answer = invoke(module.handler, event("token"))

    assert answer["statusCode"] == 401
    assert body_of(answer) == {
        "error": "invalid_client",
        "error_description": "The client certificate was not accepted.",
    }
    [line] = logs.messages("refused")
    assert line["reason"] == Refusal.CERTIFICATE_REVOKED
    [metric] = logs.metrics("Refused")
    assert metric["reason"] == Refusal.CERTIFICATE_REVOKED


def test_cognito_out_of_reach_is_answered_as_temporary(
    invoke: Invoke, http_server: HttpServer
) -> None:
    http_server.status = 503

    answer = invoke(module.handler, event("token"))

    assert answer["statusCode"] == 503
    assert body_of(answer)["error"] == "temporarily_unavailable"


def test_a_token_without_binding_is_not_handed_out(
    invoke: Invoke, http_server: HttpServer, logs: LogLines
) -> None:
    # GIVEN a pool whose trigger is gone
    unbound = sign(without(CLAIMS, "cnf"))
    http_server.answer = lambda: json.dumps(
        {"access_token": unbound, "token_type": "Bearer", "expires_in": 900}
    ).encode()

    answer = invoke(module.handler, event("token"))

    assert answer["statusCode"] == 500
    assert body_of(answer)["error"] == "server_error"
    [line] = logs.messages("refused")
    assert line["reason"] == Refusal.TOKEN_NOT_BOUND


@pytest.mark.parametrize("variable", ["JWKS_URI", "BINDING_KEY_ID", "REGISTRY_TABLE"])
def test_a_fault_of_ours_is_answered_as_a_server_error(
    invoke: Invoke, logs: LogLines, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "alias/nothing")

    answer = invoke(module.handler, event("token"))

    assert answer["statusCode"] == 500
    assert body_of(answer)["error"] == "server_error"
    [line] = logs.messages("refused")
    assert line["reason"] == Refusal.INTERNAL_ERROR


def test_the_metadata_is_served(invoke: Invoke) -> None:
    answer = invoke(module.handler, event("metadata"))

    assert answer["statusCode"] == 200
    assert body_of(answer)["token_endpoint"] == f"https://{DOMAIN}/token"


@pytest.mark.parametrize("route", ["GET /token", "$default", "", None])
def test_another_route_is_not_found(invoke: Invoke, route: str | None) -> None:
    assert invoke(module.handler, {**event("token"), "routeKey": route})["statusCode"] == 404


def test_no_secret_reaches_the_log(
    invoke: Invoke, logs: LogLines, http_server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN even an environment that asks powertools to log events
    monkeypatch.setenv("POWERTOOLS_LOGGER_LOG_EVENT", "true")
    secrets = [
        APP_CLIENT_SECRET,
        base64.b64encode(f"{APP_CLIENT_ID}:{APP_CLIENT_SECRET}".encode()).decode(),
        certificate_of(event("token")).splitlines()[3],
    ]

    # WHEN calls end well, in Cognito's refusal, and in an exception
    secrets += body_of(invoke(module.handler, event("token")))["access_token"].split(".")
    http_server.status = 400
    invoke(module.handler, event("token"))
    invoke(module.handler, {**event("token"), "headers": {1: 2}})

    assert len(logs.messages("refused")) == 2
    for secret in secrets:
        assert secret not in logs.text
