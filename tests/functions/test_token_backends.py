"""What stands behind the token endpoint: Cognito over HTTP, Secrets Manager, KMS, settings."""

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import boto3
import pytest
import urllib3
from botocore.exceptions import ClientError, ConnectTimeoutError
from moto import mock_aws

from clientcert import SettingsError
from mtls_token.aws import (
    SECRET_SECONDS,
    SecretsManagerAppClients,
    mac_maker,
    refusing_transient_errors,
)
from mtls_token.cognito import token_endpoint
from mtls_token.issuance import AppClient, CognitoGrant
from mtls_token.refusal import Refusal, RefusedError
from mtls_token.settings import Settings
from tests.functions.support import (
    APP_CLIENT_ID,
    APP_CLIENT_SECRET,
    ISSUER,
    REGION,
    USER_POOL_ID,
    Clocks,
    HttpServer,
)

CLIENT = AppClient(APP_CLIENT_ID, APP_CLIENT_SECRET)
GRANT = {"access_token": "a.b.c", "token_type": "Bearer", "expires_in": 900}


class TestCognito:
    def ask(self, server: HttpServer) -> CognitoGrant:
        endpoint = token_endpoint(urllib3.PoolManager(), f"{server.url}/oauth2/token")
        return endpoint(CLIENT, frozenset({"api/write", "api/read"}), {"nonce": "n", "mac": "m"})

    def refusal(self, server: HttpServer) -> Refusal:
        with pytest.raises(RefusedError) as refused:
            self.ask(server)
        return refused.value.reason

    def test_is_asked_with_basic_credentials_and_metadata(self, http_server: HttpServer) -> None:
        http_server.body = json.dumps(GRANT).encode()

        grant = self.ask(http_server)

        [(method, path, headers, body)] = http_server.requests
        basic = base64.b64encode(f"{APP_CLIENT_ID}:{APP_CLIENT_SECRET}".encode()).decode()
        form = parse_qs(body.decode())
        assert grant == CognitoGrant("a.b.c", 900)
        assert (method, path) == ("POST", "/oauth2/token")
        assert headers["authorization"] == f"Basic {basic}"
        assert headers["content-type"] == "application/x-www-form-urlencoded"
        assert form["grant_type"] == ["client_credentials"]
        assert form["scope"] == ["api/read api/write"]
        assert json.loads(form["aws_client_metadata"][0]) == {"nonce": "n", "mac": "m"}

    @pytest.mark.parametrize(
        ("status", "body", "reason"),
        [
            (400, b'{"error": "invalid_client"}', Refusal.COGNITO_REFUSED_CLIENT),
            (401, b'{"error": "unauthorized_client"}', Refusal.COGNITO_REFUSED_CLIENT),
            (400, b'{"error": "invalid_scope"}', Refusal.COGNITO_REFUSED_SCOPE),
            (400, b'{"error": "invalid_request"}', Refusal.COGNITO_REFUSED),
            (400, b"not JSON", Refusal.COGNITO_REFUSED),
            (400, b'{"error": ["invalid_client"]}', Refusal.COGNITO_REFUSED),
            (403, b"", Refusal.COGNITO_REFUSED),
            (429, b"", Refusal.COGNITO_UNAVAILABLE),
            (500, b"", Refusal.COGNITO_UNAVAILABLE),
            (503, b"", Refusal.COGNITO_UNAVAILABLE),
            (200, b"", Refusal.COGNITO_ANSWER_MALFORMED),
            (200, b"[]", Refusal.COGNITO_ANSWER_MALFORMED),
            (200, b"[" * 60_000, Refusal.COGNITO_ANSWER_MALFORMED),
            (200, b" " * 70_000, Refusal.COGNITO_ANSWER_MALFORMED),
        ],
    )
    def test_an_answer_without_a_token_is_a_refusal(
        self, http_server: HttpServer, status: int, body: bytes, reason: Refusal
    ) -> None:
        http_server.status, http_server.body = status, body

        assert self.refusal(http_server) is reason

    @pytest.mark.parametrize(
        "changes",
        [
            {"access_token": None},
            {"token_type": "mac"},
            {"token_type": None},
            {"expires_in": "900"},
            {"expires_in": True},
            {"expires_in": 0},
        ],
    )
    def test_a_grant_of_another_form_is_a_refusal(
        self, http_server: HttpServer, changes: dict[str, Any]
    ) -> None:
        http_server.body = json.dumps({**GRANT, **changes}).encode()

        assert self.refusal(http_server) is Refusal.COGNITO_ANSWER_MALFORMED

    def test_the_secret_is_not_carried_to_a_redirect(self, http_server: HttpServer) -> None:
        http_server.status = 307
        http_server.headers = {"location": f"{http_server.url}/elsewhere"}

        assert self.refusal(http_server) is Refusal.COGNITO_REFUSED
        assert len(http_server.requests) == 1

    def test_out_of_reach_is_a_refusal(self) -> None:
        assert self.refusal(HttpServer(url="http://127.0.0.1:1")) is Refusal.COGNITO_UNAVAILABLE


class TestAppClients:
    @pytest.fixture(autouse=True)
    def cloud(self, aws_credentials: None) -> Iterator[None]:
        with mock_aws():
            self.manager = boto3.client("secretsmanager", region_name=REGION)
            self.clock = Clocks()
            self.clients = SecretsManagerAppClients(
                self.manager, "example-dev/app-client", clock=self.clock
            )
            yield

    def store(self, text: str) -> None:
        name = f"example-dev/app-client/{APP_CLIENT_ID}"
        try:
            self.manager.create_secret(Name=name, SecretString=text)
        except self.manager.exceptions.ResourceExistsException:
            self.manager.put_secret_value(SecretId=name, SecretString=text)

    def store_secret(self, secret: str) -> None:
        self.store(json.dumps({"client_id": APP_CLIENT_ID, "client_secret": secret}))

    def test_are_read_by_client_id(self) -> None:
        self.store_secret(APP_CLIENT_SECRET)

        assert self.clients.find(APP_CLIENT_ID) == CLIENT

    def test_are_remembered_for_a_while(self) -> None:
        self.store_secret("old")
        self.clients.find(APP_CLIENT_ID)
        self.store_secret("new")

        self.clock.advance(SECRET_SECONDS - 1)
        remembered = self.clients.find(APP_CLIENT_ID)
        self.clock.advance(1)

        assert remembered.secret == "old"
        assert self.clients.find(APP_CLIENT_ID).secret == "new"

    def test_are_read_again_when_forgotten(self) -> None:
        self.store_secret("old")
        self.clients.find(APP_CLIENT_ID)
        self.store_secret("new")

        self.clients.forget(APP_CLIENT_ID)

        assert self.clients.find(APP_CLIENT_ID).secret == "new"

    @pytest.mark.parametrize(
        "text",
        [
            "plain",
            "[]",
            "{}",
            '{"client_id": "another", "client_secret": "x"}',
            f'{{"client_id": "{APP_CLIENT_ID}", "client_secret": ""}}',
            f'{{"client_id": "{APP_CLIENT_ID}", "client_secret": 7}}',
        ],
    )
    def test_of_another_form_are_refused(self, text: str) -> None:
        self.store(text)

        with pytest.raises(RefusedError) as refused:
            self.clients.find(APP_CLIENT_ID)
        assert refused.value.reason is Refusal.SECRET_MALFORMED

    def test_that_do_not_exist_are_a_fault_of_ours(self) -> None:
        with pytest.raises(ClientError, match="ResourceNotFound"):
            self.clients.find("unknown")


def test_a_mac_is_one_that_kms_verifies(aws_credentials: None) -> None:
    with mock_aws():
        kms = boto3.client("kms", region_name=REGION)
        key = kms.create_key(KeyUsage="GENERATE_VERIFY_MAC", KeySpec="HMAC_256")
        key_id = key["KeyMetadata"]["KeyId"]

        mac = mac_maker(kms, key_id)(b"message")

        assert kms.verify_mac(
            KeyId=key_id, Message=b"message", Mac=mac, MacAlgorithm="HMAC_SHA_256"
        )["MacValid"]


def _client_error(code: str, status: int) -> ClientError:
    return ClientError(
        {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "Operation",
    )


@pytest.mark.parametrize(
    "error",
    [
        ConnectTimeoutError(endpoint_url="https://kms.example"),
        _client_error("ThrottlingException", 400),
        _client_error("TooManyRequestsException", 429),
        _client_error("InternalServerError", 500),
    ],
)
def test_a_failure_that_may_pass_is_a_refusal(error: Exception) -> None:
    with (
        pytest.raises(RefusedError, match="signing_unavailable"),
        refusing_transient_errors(Refusal.SIGNING_UNAVAILABLE),
    ):
        raise error


@pytest.mark.parametrize("code", ["AccessDeniedException", "NotFoundException"])
def test_a_failure_that_stays_goes_on_up(code: str) -> None:
    with (
        pytest.raises(ClientError, match=code),
        refusing_transient_errors(Refusal.SIGNING_UNAVAILABLE),
    ):
        raise _client_error(code, 400)


ENVIRONMENT = {
    "REGISTRY_TABLE": "example-dev-registry",
    "COGNITO_TOKEN_ENDPOINT": f"https://example-dev.auth.{REGION}.amazoncognito.com/oauth2/token",
    "APP_CLIENT_SECRET_PREFIX": "example-dev/app-client",
    "BINDING_KEY_ID": "alias/example-dev-token-binding",
    "API_DOMAIN_NAME": "api.dev.example.com",
    "SCOPES_SUPPORTED": '["api/read", "api/write"]',
    "JWKS_URI": f"{ISSUER}/.well-known/jwks.json",
}


class TestSettings:
    def test_are_read_from_the_environment(self) -> None:
        settings = Settings.from_environment(ENVIRONMENT)

        assert settings.token_endpoint == ENVIRONMENT["COGNITO_TOKEN_ENDPOINT"]
        assert settings.scopes_supported == ("api/read", "api/write")
        assert settings.user_pool_id == USER_POOL_ID

    def test_cognito_is_asked_at_the_endpoint_that_the_sdk_uses(self) -> None:
        settings = Settings.from_environment(
            {**ENVIRONMENT, "AWS_ENDPOINT_URL": "http://127.0.0.1:4566/"}
        )

        assert settings.token_endpoint == "http://127.0.0.1:4566/oauth2/token"
        assert settings.jwks_uri == ENVIRONMENT["JWKS_URI"]

    @pytest.mark.parametrize("name", sorted(ENVIRONMENT))
    def test_a_missing_variable_is_named(self, name: str) -> None:
        with pytest.raises(SettingsError, match=f"{name}: missing"):
            Settings.from_environment({**ENVIRONMENT, name: ""})

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("COGNITO_TOKEN_ENDPOINT", "http://example-dev.auth.eu-west-1.amazoncognito.com/x"),
            ("SCOPES_SUPPORTED", "api/read"),
            ("SCOPES_SUPPORTED", '"api/read"'),
            ("SCOPES_SUPPORTED", "[1]"),
            ("JWKS_URI", ISSUER),
            ("JWKS_URI", "https://cognito-idp.eu-west-1.amazonaws.com//.well-known/jwks.json"),
        ],
    )
    def test_a_wrong_variable_is_named(self, name: str, value: str) -> None:
        with pytest.raises(SettingsError, match=name):
            Settings.from_environment({**ENVIRONMENT, name: value})
