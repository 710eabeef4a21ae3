"""Lambda entry: called by a schedule; whoever invokes it by hand publishes at once."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import boto3
from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from mtls_crl.settings import Settings
from pki.ca_store import CaStore
from pki.crl_bucket import CrlBucket
from pki.publication import Outcome, Publication, Published, publish
from pki.registry import Registry
from pki.sessions import NO_RETRIES, reader_session
from pki.signer import KmsSigner

_OPERATOR = "crl"
_AWS = Config(connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 3})

logger = Logger()
metrics = Metrics()
metrics.set_default_dimensions(
    environment=os.environ.get("ENVIRONMENT", "unknown"), service=metrics.service
)


@logger.inject_lambda_context(log_event=False, clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """Publish what has changed or would soon be out of date.

    Returns:
        ``{"lists": [{"issuer", "list", "number", "entries", "next_update", "new", ...}, ...]}``.

    Raises:
        CrlError: a list could not be published; the others are, all the same.
    """
    try:
        outcome = publish(_publication(Settings.from_environment(os.environ)))
        _measure(outcome, datetime.now(UTC))
        outcome.require_complete()
    except Exception:
        metrics.add_metric("Failed", MetricUnit.Count, 1)
        raise
    return {"lists": list(map(_describe, outcome.published))}


def _publication(settings: Settings) -> Publication:
    organization, environment = settings.organization, settings.environment
    own = boto3.Session(region_name=organization.region)
    s3 = own.client("s3", config=_AWS)
    kms = own.client("kms", config=NO_RETRIES)
    reader = reader_session(own, environment, _OPERATOR)
    return Publication(
        environment=environment.name,
        store=CaStore(s3, organization),
        registry=Registry(reader.client("dynamodb", config=_AWS), environment),
        bucket=CrlBucket(s3, organization.crl_bucket),
        signer_of=lambda authority: KmsSigner(kms, authority.key_alias),
        progress=_Log(),
        now=lambda: datetime.now(UTC),
    )


def _measure(outcome: Outcome, now: datetime) -> None:
    """Tell how long relying parties can live on what is published: an alarm watches it.

    Nothing where a list failed: the alarm takes missing data for the worst.
    """
    for published in outcome.published:
        logger.info("published" if published.is_new else "fresh", **_describe(published))
    for failure in outcome.failures:
        logger.error("not published", detail=failure)
    if not outcome.failures:
        left = min(published.crl.next_update for published in outcome.published) - now
        metrics.add_metric("CrlSecondsLeft", MetricUnit.Seconds, max(0.0, left.total_seconds()))


def _describe(published: Published) -> dict[str, Any]:
    return {
        "issuer": published.crl.signed.issuer.rfc4514_string(),
        "list": published.location,
        "number": published.crl.number,
        "entries": len(published.crl.entries),
        "next_update": published.crl.next_update.isoformat(),
        "new": published.is_new,
        "signature_request_id": published.signature_request_id,
    }


class _Log:
    def step(self, message: str) -> None:
        logger.debug(message)


if "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ:
    _environ: Mapping[str, str] = os.environ
    Settings.from_environment(_environ)  # a wrong variable shows when the function is deployed
