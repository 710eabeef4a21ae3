"""Lambda entry: Cognito's pre-token-generation trigger, V3_0.

Cognito issues the token that this function returns claims for, and none when it raises. So
whatever is not a genuine, fresh statement for this very request ends in an exception.
"""

import os
import time
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config
from botocore.exceptions import ClientError

from mtls_token_binding.binding import (
    Refusal,
    RefusedError,
    TriggerRequest,
    checked_statement,
)

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

# Cognito gives a trigger 5 s, and repeats it by itself.
_AWS = Config(connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 1})

logger = Logger()
metrics = Metrics()
metrics.set_default_dimensions(
    environment=os.environ.get("ENVIRONMENT", "unknown"), service=metrics.service
)


@logger.inject_lambda_context(log_event=False, clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """Answer Cognito: the event, with ``cnf`` among the access token's claims (RFC 8705).

    Raises:
        RefusedError: no token may be issued.
    """
    try:
        statement = checked_statement(
            TriggerRequest.from_event(event), is_genuine=_is_genuine(), now=time.time()
        )
    except RefusedError as refused:
        _note(refused.reason)
        raise
    except Exception:
        logger.exception("the check failed")
        _note(Refusal.INTERNAL_ERROR)
        # Cognito passes a trigger's message on: it must not tell what failed inside.
        raise RefusedError(Refusal.INTERNAL_ERROR) from None
    metrics.add_metric("Bound", MetricUnit.Count, 1)
    logger.info(
        "bound",
        cognito_client_id=statement.client_id,
        x5t_s256=statement.x5t_s256,
        nonce=statement.nonce,
    )
    event["response"] = {
        "claimsAndScopeOverrideDetails": {
            "accessTokenGeneration": {
                "claimsToAddOrOverride": {"cnf": {"x5t#S256": statement.x5t_s256}}
            }
        }
    }
    return event


def _note(reason: Refusal) -> None:
    metrics.add_metric("Refused", MetricUnit.Count, 1)
    metrics.add_dimensions(reason=reason.value)
    logger.warning("refused", reason=reason.value)


@cache
def _is_genuine() -> Callable[[bytes, bytes], bool]:
    return mac_verifier(boto3.client("kms", config=_AWS), os.environ["BINDING_KEY_ID"])


def mac_verifier(client: "KMSClient", key_id: str) -> Callable[[bytes, bytes], bool]:
    """A function that tells whether an HMAC-SHA-256 of a KMS key fits a message."""

    def is_genuine(message: bytes, mac: bytes) -> bool:
        try:
            answer = client.verify_mac(
                KeyId=key_id, Message=message, Mac=mac, MacAlgorithm="HMAC_SHA_256"
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "KMSInvalidMacException":
                return False
            raise
        return answer["MacValid"]

    return is_genuine


if "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ:
    _is_genuine()  # in Lambda's init phase, where the processor is not throttled
