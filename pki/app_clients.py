"""Which Cognito app client a device's tokens are issued to."""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from pki.aws import error_code
from pki.errors import AppClientError
from pki.organization import Environment

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


def cognito_client_id(ssm: "SSMClient", environment: Environment, app_client: str) -> str:
    """The Cognito id of an app client, which Terraform left in a parameter.

    Raises:
        AppClientError: the environment has no such app client.
    """
    parameter = environment.app_client_parameter(app_client)
    try:
        answer = ssm.get_parameter(Name=parameter)
    except ClientError as error:
        if error_code(error) == "ParameterNotFound":
            raise AppClientError(
                f"{environment.name} has no app client {app_client!r} (no parameter {parameter})",
                hint=f"add it to the unit {environment.name}/cognito-m2m and apply that",
            ) from error
        raise
    return answer["Parameter"]["Value"]
