"""Lambda entry: asked by the function `est` of one workload account, through the invoker role."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config
from cryptography import x509

from mtls_issuer.call import (
    CA_CERTIFICATES,
    RENEW,
    Answer,
    Renew,
    ca_certificates_answer,
    refused_answer,
    renewed_answer,
)
from mtls_issuer.refusal import Refusal, RefusedError
from mtls_issuer.renewal import Renewals
from mtls_issuer.settings import Settings
from pki.ca_store import CaStore
from pki.domain import DomainName
from pki.issuing import CertificateAuthority, Signed
from pki.registry import Registry
from pki.rotation import issuing_authority
from pki.sessions import NO_RETRIES, writer_session
from pki.signer import KmsSigner
from pki.truststore_bucket import TruststoreBucket

_OPERATOR = "issuer"
_AWS = Config(connect_timeout=1, read_timeout=3, retries={"total_max_attempts": 2})

logger = Logger()
metrics = Metrics()
metrics.set_default_dimensions(
    environment=os.environ.get("ENVIRONMENT", "unknown"), service=metrics.service
)


@logger.inject_lambda_context(log_event=False, clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> Answer:  # noqa: ARG001
    """Renew a certificate, or tell the CA certificates.

    What is refused is an answer; what fails is an exception, and Lambda's FunctionError.
    """
    if isinstance(correlation_id := event.get("correlation_id"), str):
        logger.set_correlation_id(correlation_id)
    try:
        return _answer(event)
    except RefusedError as refused:
        metrics.add_metric("Refused", MetricUnit.Count, 1)
        metrics.add_dimensions(reason=refused.reason.value)
        logger.warning("refused", reason=refused.reason.value, detail=refused.message)
        return refused_answer(refused)
    except Exception:
        metrics.add_metric("Failed", MetricUnit.Count, 1)
        logger.exception("the call failed")
        raise


def _answer(event: Mapping[str, Any]) -> Answer:
    match event.get("operation"):
        case str(operation) if operation == RENEW:
            return _renew(Renew.read(event))
        case str(operation) if operation == CA_CERTIFICATES:
            metrics.add_metric("Described", MetricUnit.Count, 1)
            return ca_certificates_answer(_ca_certificates())
    raise RefusedError(Refusal.CALL_MALFORMED)


def _renew(call: Renew) -> Answer:
    renewed = renewals(_settings()).renew(call.certificate, call.request)
    metrics.add_metric("Repeated" if renewed.repeated else "Renewed", MetricUnit.Count, 1)
    logger.info(
        "repeated" if renewed.repeated else "renewed",
        client_id=renewed.record.client_id,
        fingerprint=renewed.record.fingerprint,
        renewed_from=renewed.record.renewed_from,
        serial_number=renewed.record.serial_number,
        issuer=renewed.record.issuer,
        signature_request_id=renewed.signature_request_id,
    )
    return renewed_answer(renewed)


def renewals(settings: Settings) -> Renewals:
    """Wire the renewals to AWS: this function's own account, and the writer role's."""
    organization, environment = settings.organization, settings.environment
    own = boto3.Session(region_name=organization.region)
    # Taken anew each time: a renewal is rare, and the session ends after an hour.
    workload = writer_session(own, environment, _OPERATOR)
    store = CaStore(own.client("s3", config=_AWS), organization)

    def authority() -> CertificateAuthority:
        name = issuing_authority(
            store,
            TruststoreBucket(workload.client("s3", config=_AWS), environment),
            DomainName(
                workload.client("apigatewayv2", config=_AWS),
                organization.api_domain_name(environment),
            ),
            environment.name,
        )
        signer = KmsSigner(own.client("kms", config=NO_RETRIES), name.key_alias)
        return CertificateAuthority(store.get(name), signer)

    return Renewals(
        policy=settings.policy,
        registry=Registry(workload.client("dynamodb", config=_AWS), environment),
        own_issuers=lambda: tuple(map(store.get, store.issuing(environment.name))),
        authority=authority,
        now=lambda: datetime.now(UTC),
        discarded=_note_discarded,
    )


def _ca_certificates() -> tuple[x509.Certificate, ...]:
    settings = _settings()
    organization = settings.organization
    own = boto3.Session(region_name=organization.region)
    store = CaStore(own.client("s3", config=_AWS), organization)
    issuing = tuple(map(store.get, store.issuing(settings.environment.name)))
    return (*issuing, *dict.fromkeys(map(store.root_of, issuing)))


def _note_discarded(signed: Signed) -> None:
    """The key's log knows this signature; here is what became of it."""
    logger.warning(
        "signed and not registered: the client was changed meanwhile",
        serial_number=str(signed.certificate.serial_number),
        signature_request_id=signed.signature_request_id,
    )


@cache
def _settings() -> Settings:
    environ: Mapping[str, str] = os.environ
    return Settings.from_environment(environ)


if "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ:
    _settings()  # a wrong variable shows when the function is deployed, not when a device needs it
