"""The issuer in the security account, as this function asks it."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from mtls_est.refusal import Refusal, RefusedError

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient

type Call = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Asks the issuer; the answer is JSON's mapping."""

_SESSION_NAME = "est"
# Waits as long as the issuer may take, and asks once: the device asks again.
_LAMBDA = Config(connect_timeout=2, read_timeout=22, retries={"total_max_attempts": 1})


@dataclass(frozen=True, slots=True)
class Renewed:
    """What the issuer gave.

    Attributes:
        pkcs7: certs-only CMS message, DER.
        fingerprint: of the new certificate.
        repeated: whether it had been issued before, for the same request.
    """

    pkcs7: bytes
    fingerprint: str
    repeated: bool


class Issuer:
    """Asks for renewals and CA certificates."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def renew(self, certificate: bytes, request: bytes, correlation_id: str | None) -> Renewed:
        """The next certificate of who presented this one.

        Raises:
            RefusedError: there is none; with the issuer's own reason, where it gave one.
        """
        answer = self._ask(
            {
                "operation": "renew",
                "certificate": base64.b64encode(certificate).decode("ascii"),
                "request": base64.b64encode(request).decode("ascii"),
                "correlation_id": correlation_id,
            }
        )
        try:
            return Renewed(
                base64.b64decode(answer["pkcs7"], validate=True),
                str(answer["fingerprint"]),
                bool(answer["repeated"]),
            )
        except (KeyError, TypeError, ValueError):
            raise RefusedError(Refusal.ISSUER_FAILED) from None

    def ca_certificates(self) -> bytes:
        """The CA certificates, a certs-only CMS message in DER.

        Raises:
            RefusedError: the issuer does not say.
        """
        answer = self._ask({"operation": "ca_certificates"})
        try:
            return base64.b64decode(answer["pkcs7"], validate=True)
        except (KeyError, TypeError, ValueError):
            raise RefusedError(Refusal.ISSUER_FAILED) from None

    def _ask(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = self._call(question)
        if "reason" not in answer:
            return answer
        try:
            reason = Refusal(answer["reason"])
        except ValueError:
            raise RefusedError(Refusal.ISSUER_FAILED) from None
        raise RefusedError(reason, str(answer.get("message", "")))


def by_role(sts: "STSClient", role_arn: str, function_name: str) -> Call:
    """Asks the function in the account that the role leads to, with the role's rights alone."""

    def call(question: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            credentials = sts.assume_role(RoleArn=role_arn, RoleSessionName=_SESSION_NAME)[
                "Credentials"
            ]
            client = boto3.client(
                "lambda",
                config=_LAMBDA,
                aws_access_key_id=credentials["AccessKeyId"],
                aws_secret_access_key=credentials["SecretAccessKey"],
                aws_session_token=credentials["SessionToken"],
            )
            answer = client.invoke(FunctionName=function_name, Payload=json.dumps(question))
            payload = answer["Payload"].read()
        except BotoCoreError as error:
            raise RefusedError(Refusal.ISSUER_UNAVAILABLE) from error
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            if status >= 500 or status == 429:
                raise RefusedError(Refusal.ISSUER_UNAVAILABLE) from error
            raise
        if answer.get("FunctionError"):
            raise RefusedError(Refusal.ISSUER_FAILED)
        try:
            document = json.loads(payload)
        except ValueError:
            raise RefusedError(Refusal.ISSUER_FAILED) from None
        if not isinstance(document, dict):
            raise RefusedError(Refusal.ISSUER_FAILED)
        return document

    return call
