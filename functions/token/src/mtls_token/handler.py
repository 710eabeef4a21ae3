"""Lambda entry: the token endpoint and its metadata, behind an HTTP API, payload format 2.0."""

import os
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
import urllib3
from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.logging.correlation_paths import API_GATEWAY_HTTP
from aws_lambda_powertools.metrics import Metrics, MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from clientcert import Registry, RegistryRecord, read_clocks
from mtls_token.aws import SecretsManagerAppClients, mac_maker, refusing_transient_errors
from mtls_token.cognito import token_endpoint
from mtls_token.issuance import Issuer
from mtls_token.oauth import (
    Answer,
    TokenRequest,
    error_answer,
    metadata_answer,
    not_found_answer,
    token_answer,
)
from mtls_token.refusal import Refusal, RefusedError
from mtls_token.settings import Settings

TOKEN_ROUTE = "POST /token"  # noqa: S105 - a route key
METADATA_ROUTE = "GET /.well-known/oauth-authorization-server"

# Every service and Cognito at its slowest still ends within the function's 29 s.
_AWS = Config(connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 2})

logger = Logger()
metrics = Metrics()
metrics.set_default_dimensions(
    environment=os.environ.get("ENVIRONMENT", "unknown"), service=metrics.service
)


@dataclass(frozen=True, slots=True)
class Service:
    """What the handler needs: settings, and an issuer wired to AWS."""

    settings: Settings
    issuer: Issuer


@logger.inject_lambda_context(  # an event holds the certificate: never logged
    correlation_id_path=API_GATEWAY_HTTP, log_event=False, clear_state=True
)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> Answer:  # noqa: ARG001
    """Answer API Gateway for the routes of the authorization server."""
    try:
        match event.get("routeKey"):
            case str(route) if route == TOKEN_ROUTE:
                return _issue(event)
            case str(route) if route == METADATA_ROUTE:
                return _describe(event)
    except RefusedError as refused:
        return _refuse(refused.reason)
    except Exception:
        logger.exception("the request failed")
        return _refuse(Refusal.INTERNAL_ERROR)
    metrics.add_metric("NotFound", MetricUnit.Count, 1)
    return not_found_answer()


def _issue(event: Mapping[str, Any]) -> Answer:
    issuance = _service().issuer.issue(TokenRequest.from_event(event))
    metrics.add_metric("Issued", MetricUnit.Count, 1)
    logger.info(
        "issued",
        client_id=issuance.record.client_id,
        fingerprint=issuance.record.fingerprint,
        serial_number=issuance.record.serial_number,
        scopes=sorted(issuance.token.scopes),
        nonce=issuance.nonce,
    )
    return token_answer(issuance.token)


def _describe(event: Mapping[str, Any]) -> Answer:
    settings = _service().settings
    metrics.add_metric("Described", MetricUnit.Count, 1)
    return metadata_answer(
        event,
        domain_name=settings.domain_name,
        jwks_uri=settings.jwks_uri,
        scopes=settings.scopes_supported,
    )


def _refuse(reason: Refusal) -> Answer:
    metrics.add_metric("Refused", MetricUnit.Count, 1)
    metrics.add_dimensions(reason=reason.value)
    logger.warning("refused", reason=reason.value)
    return error_answer(reason)


@cache
def _service() -> Service:
    return build(os.environ)


def build(environ: Mapping[str, str]) -> Service:
    """Wire the service to AWS as the environment says.

    Raises:
        SettingsError: a variable is missing or wrong.
    """
    settings = Settings.from_environment(environ)
    registry = Registry(boto3.client("dynamodb", config=_AWS), settings.registry_table)
    issuer = Issuer(
        user_pool_id=settings.user_pool_id,
        find_record=_refusing_when_unavailable(registry.find),
        app_clients=SecretsManagerAppClients(
            boto3.client("secretsmanager", config=_AWS),
            settings.secret_prefix,
            clock=read_clocks,
        ),
        make_mac=mac_maker(boto3.client("kms", config=_AWS), settings.binding_key_id),
        ask_cognito=token_endpoint(urllib3.PoolManager(), settings.token_endpoint),
        now=time.time,
        make_nonce=lambda: secrets.token_urlsafe(16),
    )
    return Service(settings, issuer)


def _refusing_when_unavailable(
    find: Callable[[str], RegistryRecord | None],
) -> Callable[[str], RegistryRecord | None]:
    def find_record(fingerprint: str) -> RegistryRecord | None:
        with refusing_transient_errors(Refusal.REGISTRY_UNAVAILABLE):
            return find(fingerprint)

    return find_record


if "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ:
    _service()  # in Lambda's init phase, where the processor is not throttled
