"""Who acts where: from the caller's own credentials to the ceremony role, and on from there.

The ceremony role in the security account alone may sign; an environment's ``pki-writer`` role
trusts that role alone. Each step is checked with ``sts:GetCallerIdentity``: a role that leads
into another account than expected is refused.
"""

import getpass
import os
import re

import boto3
from botocore.config import Config

from pki.errors import AccountError
from pki.organization import Environment, Organization

OPERATOR_VARIABLE = "PKI_OPERATOR"
NO_RETRIES = Config(retries={"total_max_attempts": 1})
"""For the key keeper's client: a signature is asked for once."""

_NOT_IN_SESSION_NAMES = re.compile(r"[^\w+=,.@-]", re.ASCII)
_MAXIMUM_SESSION_NAME = 64


def default_operator() -> str:
    """Who is at the keyboard, as far as the machine knows."""
    if named := os.environ.get(OPERATOR_VARIABLE):
        return named
    try:
        return getpass.getuser()
    except OSError:  # a container's user need not have a name
        return f"uid-{os.getuid()}"


def session_name(operator: str) -> str:
    r"""A RoleSessionName that carries the operator into CloudTrail.

    https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html allows 2 to 64
    characters of ``[\w+=,.@-]``; others become dashes.
    """
    return _NOT_IN_SESSION_NAMES.sub("-", f"pki-{operator}")[:_MAXIMUM_SESSION_NAME]


def ceremony_session(
    ambient: boto3.Session, organization: Organization, operator: str
) -> boto3.Session:
    """Act in the security account, as the role that alone may sign.

    Raises:
        AccountError: the role led elsewhere.
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: refused or unreachable.
    """
    return _assume(
        ambient,
        organization.ceremony_role_arn,
        organization.security_account_id,
        organization.region,
        operator,
    )


def writer_session(
    ceremony: boto3.Session, environment: Environment, operator: str
) -> boto3.Session:
    """Go on from the ceremony role into an environment's account.

    Raises:
        AccountError: the role led elsewhere.
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: refused or unreachable.
    """
    return _assume(
        ceremony,
        environment.pki_writer_role_arn,
        environment.account_id,
        environment.region,
        operator,
    )


def _assume(
    session: boto3.Session, role_arn: str, account_id: str, region: str, operator: str
) -> boto3.Session:
    sts = session.client("sts", region_name=region)
    credentials = sts.assume_role(RoleArn=role_arn, RoleSessionName=session_name(operator))[
        "Credentials"
    ]
    assumed = boto3.Session(
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
        region_name=region,
    )
    actual = assumed.client("sts").get_caller_identity()["Account"]
    if actual != account_id:
        raise AccountError(
            f"wrong account: {role_arn} led into {actual}, expected {account_id}",
            hint="check accounts in live/organization.yaml",
        )
    return assumed
