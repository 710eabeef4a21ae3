"""Lambda entry: called by a schedule; the event says nothing that matters."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from mtls_watch.fleet import scan
from mtls_watch.settings import Settings
from pki.domain import DomainName
from pki.expiry import Item, Kind, Outlook, authorities, leaves, truststore_entries
from pki.expiry_sources import pinned_certificates, server_certificate

MAXIMUM_NAMED = 20
"""How many of a kind's items are named in the log, the soonest first."""

_AWS = Config(connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 4})

logger = Logger()


class WatchFailedError(Exception):
    """Something could not be read, so nobody watches it. The message names the kinds."""


@dataclass(frozen=True, slots=True)
class Source:
    """One place to read from.

    Attributes:
        kinds: what is found there.
        read: reads it, as of a moment.
    """

    kinds: tuple[Kind, ...]
    read: Callable[[datetime], Iterable[Item]]


@dataclass(frozen=True, slots=True)
class Watch:
    """What the handler needs: the environment's name, and where to look."""

    environment: str
    sources: tuple[Source, ...]


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """Publish each kind's metrics; what cannot be read publishes none, and alarms for that.

    Returns:
        Kind to what was published: ``{"leaf": {"Certificates": 2, ...}, ...}``.

    Raises:
        WatchFailedError: a source could not be read; the others' metrics are published.
    """
    return run(_watch(), datetime.now(UTC))


def run(watch: Watch, now: datetime) -> dict[str, Any]:
    """See :func:`handler`."""
    published: dict[str, Any] = {}
    failed: list[Kind] = []
    for source in watch.sources:
        try:
            items = tuple(source.read(now))
        except Exception:
            logger.exception("cannot be read", kinds=source.kinds)
            failed += source.kinds
            continue
        for kind in source.kinds:
            published[kind] = _publish(watch.environment, Outlook.of(kind, items, now), now)
    if failed:
        raise WatchFailedError(f"not watched: {', '.join(failed)}")
    return published


def _publish(environment: str, outlook: Outlook, now: datetime) -> dict[str, float]:
    """One line in the embedded metric format: CloudWatch takes the numbers, people the names."""
    numbers = _numbers(outlook)
    metrics = EphemeralMetrics(service="")  # it would be a third dimension
    metrics.add_dimension("Environment", environment)
    metrics.add_dimension("Kind", outlook.kind)
    for name, value in numbers.items():
        metrics.add_metric(name, MetricUnit.Count, value)
    metrics.add_metadata(
        "soonest",
        [
            {
                "name": item.name,
                "identifier": item.identifier,
                "ends": item.ends.isoformat(),
                "urgency": item.urgency(now),
            }
            for item in outlook.due[:MAXIMUM_NAMED]
        ],
    )
    metrics.flush_metrics()
    return numbers


def _numbers(outlook: Outlook) -> dict[str, float]:
    numbers: dict[str, float] = {"Certificates": len(outlook.due)}
    for days, count in outlook.below.items():
        numbers[f"EndingWithin{days}Days"] = count
    if outlook.days_to_next is not None:
        numbers["DaysToNextExpiry"] = round(outlook.days_to_next, 2)
    return numbers


@cache
def _watch() -> Watch:
    return build(os.environ)


def build(environ: Mapping[str, str]) -> Watch:
    """Wire the watch to AWS as the environment says.

    Raises:
        SettingsError: a variable is missing.
    """
    settings = Settings.from_environment(environ)
    dynamodb = boto3.client("dynamodb", config=_AWS)
    s3 = boto3.client("s3", config=_AWS)
    apigatewayv2 = boto3.client("apigatewayv2", config=_AWS)
    acm = boto3.client("acm", config=_AWS)
    domain = DomainName(apigatewayv2, settings.domain_name)

    def read_leaves(now: datetime) -> Iterable[Item]:
        fleet = scan(dynamodb, settings.registry_table)
        for key in fleet.malformed:
            logger.error("a record is malformed: its certificate is refused", fingerprint=key)
        return leaves(fleet.records, now)

    def read_truststore(_: datetime) -> Iterable[Item]:
        certificates = pinned_certificates(domain, s3)
        return (*authorities(certificates), *truststore_entries(certificates))

    def read_server(_: datetime) -> Iterable[Item]:
        return (server_certificate(apigatewayv2, acm, settings.domain_name),)

    return Watch(
        settings.environment,
        (
            Source((Kind.LEAF,), read_leaves),
            Source((Kind.ISSUING_CA, Kind.ROOT_CA, Kind.TRUSTSTORE), read_truststore),
            Source((Kind.SERVER,), read_server),
        ),
    )


if "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ:
    _watch()
