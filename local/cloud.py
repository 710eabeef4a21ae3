"""AWS as the emulator serves it: boto3 clients, by account or by role."""

from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as AwsConnectionError

from local.settings import PIPELINE_ACCOUNT_ID

_SECRET = "local"  # noqa: S105 # the emulator checks none


@dataclass(frozen=True)
class Cloud:
    """The local cloud.

    Attributes:
        endpoint_url: where every AWS API is served.
        region: AWS region.
    """

    endpoint_url: str
    region: str

    def client(self, service: str, account_id: str) -> Any:
        """A client that acts as an administrator of the account."""
        return self._client(service, account_id, _SECRET, None)

    def client_of_role(self, service: str, *role_arns: str) -> Any:
        """A client that acts as the last of these roles, each assumed by the one before it.

        The first is assumed by the pipeline's identity.
        """
        key, secret, token = PIPELINE_ACCOUNT_ID, _SECRET, None
        for role_arn in role_arns:
            answer = self._client("sts", key, secret, token).assume_role(
                RoleArn=role_arn, RoleSessionName="local"
            )
            credentials = answer["Credentials"]
            key, secret = credentials["AccessKeyId"], credentials["SecretAccessKey"]
            token = credentials["SessionToken"]
        return self._client(service, key, secret, token)

    def _client(self, service: str, key: str, secret: str, token: str | None) -> Any:
        return boto3.client(
            service,  # type: ignore[call-overload] # the name is a variable
            endpoint_url=self.endpoint_url,
            region_name=self.region,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
        )


def describe(error: BotoCoreError | ClientError) -> tuple[str, str]:
    """What a call to the local cloud ended with, in words, and what to do."""
    unreachable = isinstance(error, AwsConnectionError | HTTPClientError)
    what = "does not answer" if unreachable else "refused a call"
    return f"the emulator {what}: {error}", "make down, then make up; logs/emulator.log says more"
