"""Lambda entry: REQUEST authorizer of an HTTP API, payload format 2.0, simple response.

Every doubt is a refusal. The caller sees API Gateway's generic answer; the reason is in the log
and in the metric ``Refused``.
"""

import os
import time
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from typing import Any

import boto3
import urllib3
from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.logging.correlation_paths import API_GATEWAY_HTTP
from aws_lambda_powertools.metrics import Metrics, MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from clientcert import Registry, RegistryRecord, read_clocks
from mtls_authorizer.decision import AuthorizationRequest, Authorizer, FindRecord, GrantCache
from mtls_authorizer.jwks import KeySet, fetcher
from mtls_authorizer.jwt import AccessToken, verify
from mtls_authorizer.refusal import Refusal, RefusedError
from mtls_authorizer.settings import Settings

# API Gateway waits 10 s for an authorizer; two tries stay well below.
_AWS = Config(connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 2})

logger = Logger()
metrics = Metrics()
metrics.set_default_dimensions(
    environment=os.environ.get("ENVIRONMENT", "unknown"), service=metrics.service
)


@logger.inject_lambda_context(  # an event holds the token: never logged, whatever the environment
    correlation_id_path=API_GATEWAY_HTTP, log_event=False, clear_state=True
)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """Answer API Gateway: ``{"isAuthorized": bool, "context": {...}}``."""
    route_key = str(event.get("routeKey", ""))
    try:
        identity = _authorizer().authorize(AuthorizationRequest.from_event(event))
    except RefusedError as refused:
        return _refuse(refused.reason, route_key)
    except Exception:
        logger.exception("the decision failed")
        return _refuse(Refusal.INTERNAL_ERROR, route_key)
    metrics.add_metric("Allowed", MetricUnit.Count, 1)
    logger.info("allowed", route_key=route_key, **asdict(identity))
    return {"isAuthorized": True, "context": asdict(identity)}


def _refuse(reason: Refusal, route_key: str) -> dict[str, Any]:
    metrics.add_metric("Refused", MetricUnit.Count, 1)
    metrics.add_dimensions(reason=reason.value)
    logger.warning("refused", reason=reason.value, route_key=route_key)
    return {"isAuthorized": False}


@cache
def _authorizer() -> Authorizer:
    return build(os.environ)


def build(environ: Mapping[str, str]) -> Authorizer:
    """Wire the authorizer to AWS as the environment says.

    Raises:
        SettingsError: a variable is missing or wrong.
    """
    settings = Settings.from_environment(environ)
    keys = KeySet(
        fetcher(urllib3.PoolManager(), settings.jwks_uri),
        clock=read_clocks,
        on_failure=lambda error: logger.error("no new keys from the issuer", cause=str(error)),
    )
    registry = Registry(boto3.client("dynamodb", config=_AWS), settings.registry_table)

    def verify_token(token: str, now: float) -> AccessToken:
        return verify(token, find_key=keys.find, issuer=settings.issuer, now=now)

    return Authorizer(
        route_scopes=settings.route_scopes,
        client_ids=settings.client_ids,
        verify_token=verify_token,
        find_record=_refusing_when_unavailable(registry.find),
        grants=GrantCache(settings.decision_cache_seconds, clock=read_clocks),
        now=time.time,
    )


def _refusing_when_unavailable(find: FindRecord) -> FindRecord:
    def find_record(fingerprint: str) -> RegistryRecord | None:
        try:
            return find(fingerprint)
        except (BotoCoreError, ClientError) as error:
            logger.exception("the registry gave no answer")
            raise RefusedError(Refusal.REGISTRY_UNAVAILABLE) from error

    return find_record


if "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ:
    _authorizer()  # in Lambda's init phase, where the processor is not throttled
