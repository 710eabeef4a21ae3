"""Lambda entry: the EST routes of an HTTP API, payload format 2.0."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.logging.correlation_paths import API_GATEWAY_HTTP
from aws_lambda_powertools.metrics import Metrics, MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from clientcert import (
    Registry,
    RegistryRecord,
    UnusableCertificateError,
    certificate_pem,
    fingerprint,
    may_pass,
    presented_der,
    required,
    usable_record,
)
from mtls_est.issuer import Issuer, by_role
from mtls_est.protocol import (
    Answer,
    certificate_request,
    certificates_answer,
    not_found_answer,
    refused_answer,
)
from mtls_est.refusal import Refusal, RefusedError

REENROLL_ROUTE = "POST /.well-known/est/simplereenroll"
CA_CERTIFICATES_ROUTE = "GET /.well-known/est/cacerts"

_AWS = Config(connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 2})

logger = Logger()
metrics = Metrics()
metrics.set_default_dimensions(
    environment=os.environ.get("ENVIRONMENT", "unknown"), service=metrics.service
)


@dataclass(frozen=True, slots=True)
class Service:
    """What the handler needs, wired to AWS."""

    registry: Registry
    issuer: Issuer


@logger.inject_lambda_context(  # an event holds the certificate: never logged
    correlation_id_path=API_GATEWAY_HTTP, log_event=False, clear_state=True
)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> Answer:  # noqa: ARG001
    """Answer API Gateway for the routes of EST."""
    try:
        match event.get("routeKey"):
            case str(route) if route == REENROLL_ROUTE:
                return _reenroll(event)
            case str(route) if route == CA_CERTIFICATES_ROUTE:
                return _ca_certificates(event)
    except RefusedError as refused:
        return _refuse(refused)
    except Exception:
        logger.exception("the request failed")
        return _refuse(RefusedError(Refusal.INTERNAL_ERROR))
    metrics.add_metric("NotFound", MetricUnit.Count, 1)
    return not_found_answer()


def _reenroll(event: Mapping[str, Any]) -> Answer:
    der, record = _judged(event)
    request = certificate_request(event)
    renewed = _service().issuer.renew(der, request, logger.get_correlation_id())
    metrics.add_metric("Renewed", MetricUnit.Count, 1)
    logger.info(
        "renewed",
        client_id=record.client_id,
        renewed_from=record.fingerprint,
        fingerprint=renewed.fingerprint,
        repeated=renewed.repeated,
    )
    return certificates_answer(renewed.pkcs7)


def _ca_certificates(event: Mapping[str, Any]) -> Answer:
    _judged(event)
    message = _service().issuer.ca_certificates()
    metrics.add_metric("Described", MetricUnit.Count, 1)
    return certificates_answer(message)


def _judged(event: Mapping[str, Any]) -> tuple[bytes, RegistryRecord]:
    """The presented certificate, if it may be used: the check that `token` makes, too."""
    try:
        der = presented_der(certificate_pem(event))
        return der, usable_record(_find, fingerprint(der), time.time())
    except UnusableCertificateError as unusable:
        raise RefusedError(Refusal(unusable.reason.value)) from None


def _find(wanted: str) -> RegistryRecord | None:
    try:
        return _service().registry.find(wanted)
    except BotoCoreError as error:
        raise RefusedError(Refusal.REGISTRY_UNAVAILABLE) from error
    except ClientError as error:
        if may_pass(error.response):
            raise RefusedError(Refusal.REGISTRY_UNAVAILABLE) from error
        raise


def _refuse(refused: RefusedError) -> Answer:
    metrics.add_metric("Refused", MetricUnit.Count, 1)
    metrics.add_dimensions(reason=refused.reason.value)
    logger.warning("refused", reason=refused.reason.value)
    return refused_answer(refused)


@cache
def _service() -> Service:
    return build(os.environ)


def build(environ: Mapping[str, str]) -> Service:
    """Wire the service to AWS as the environment says.

    Raises:
        SettingsError: a variable is missing.
    """
    registry = Registry(boto3.client("dynamodb", config=_AWS), required(environ, "REGISTRY_TABLE"))
    call = by_role(
        boto3.client("sts", config=_AWS),
        required(environ, "ISSUER_ROLE_ARN"),
        required(environ, "ISSUER_FUNCTION_NAME"),
    )
    return Service(registry, Issuer(call))


if "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ:
    _service()  # in Lambda's init phase, where the processor is not throttled
