"""Lambda entry: ``GET /whoami`` behind the authorizer, HTTP API, payload format 2.0."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.logging.correlation_paths import API_GATEWAY_HTTP
from aws_lambda_powertools.metrics import Metrics, MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
metrics = Metrics()
metrics.set_default_dimensions(
    environment=os.environ.get("ENVIRONMENT", "unknown"), service=metrics.service
)


class UnidentifiedCallerError(Exception):
    """The event carries no identity from the authorizer: the route is not guarded."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The authorizer's context, as API Gateway hands it on.

    Attributes:
        client_id: the device's name in the registry.
        fingerprint: SHA-256 of the certificate's DER, lower-case hexadecimal.
        serial_number: the certificate's, a decimal string.
        scope: the token's scopes, space-separated.
    """

    client_id: str
    fingerprint: str
    serial_number: str
    scope: str

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> Self:
        """Read an HTTP API event, payload format 2.0.

        Raises:
            UnidentifiedCallerError: the authorizer did not run, or is another one.
        """
        try:
            context = event["requestContext"]["authorizer"]["lambda"]
            values = {field.name: context[field.name] for field in fields(cls)}
        except (KeyError, TypeError):
            raise UnidentifiedCallerError from None
        if not all(isinstance(value, str) and value for value in values.values()):
            raise UnidentifiedCallerError
        return cls(**values)


@logger.inject_lambda_context(  # an event holds the token: never logged
    correlation_id_path=API_GATEWAY_HTTP, log_event=False, clear_state=True
)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """Answer API Gateway: 200 and who calls."""
    try:
        caller = Caller.from_event(event)
    except UnidentifiedCallerError:
        metrics.add_metric("Unidentified", MetricUnit.Count, 1)
        logger.exception("the route has no authorizer")
        return _answer(500, {"message": "Internal Server Error"})
    metrics.add_metric("Answered", MetricUnit.Count, 1)
    logger.info("answered", client_id=caller.client_id, fingerprint=caller.fingerprint)
    return _answer(200, {**asdict(caller), "environment": os.environ.get("ENVIRONMENT", "unknown")})


def _answer(status: int, document: dict[str, str]) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json", "cache-control": "no-store"},
        "body": json.dumps(document),
        "isBase64Encoded": False,
    }
