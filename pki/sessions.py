"""Who acts where: from the caller's own credentials to the ceremony role, and on from there.

The ceremony role in the security account alone may sign; an environment's ``pki-writer`` role
trusts that role alone. A job that AWS knows by an OIDC token takes the ceremony role with that
token: the credentials that it may hold beside it could be that very role's, which does not trust
itself. Each step is checked with ``sts:GetCallerIdentity``: a role that leads
into another account than expected is refused.
"""

import getpass
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore import UNSIGNED
from botocore.config import Config

from pki.errors import AccountError, FileError
from pki.organization import Environment, Organization

if TYPE_CHECKING:
    from mypy_boto3_sts.type_defs import CredentialsTypeDef

WEB_IDENTITY_VARIABLE = "AWS_WEB_IDENTITY_TOKEN_FILE"
"""AWS's own name for it; ``live/root.hcl`` reads it alike."""

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
        FileError: the environment names a file of an OIDC token that cannot be read.
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: refused or unreachable.
    """
    role_arn, region = organization.ceremony_role_arn, organization.region
    if token_file := os.environ.get(WEB_IDENTITY_VARIABLE):
        credentials = _by_token(ambient, role_arn, region, operator, Path(token_file))
    else:
        credentials = _by_role(ambient, role_arn, region, operator)
    return _checked(credentials, role_arn, organization.security_account_id, region)


def writer_session(
    ceremony: boto3.Session, environment: Environment, operator: str
) -> boto3.Session:
    """Go on from the ceremony role into an environment's account.

    Raises:
        AccountError: the role led elsewhere.
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: refused or unreachable.
    """
    role_arn, region = environment.pki_writer_role_arn, environment.region
    credentials = _by_role(ceremony, role_arn, region, operator)
    return _checked(credentials, role_arn, environment.account_id, region)


def reader_session(
    session: boto3.Session, environment: Environment, operator: str
) -> boto3.Session:
    """Go on into an environment's account to read its registry, and do nothing else.

    Raises:
        AccountError: the role led elsewhere.
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: refused or unreachable.
    """
    role_arn, region = environment.pki_reader_role_arn, environment.region
    credentials = _by_role(session, role_arn, region, operator)
    return _checked(credentials, role_arn, environment.account_id, region)


def _by_role(
    session: boto3.Session, role_arn: str, region: str, operator: str
) -> "CredentialsTypeDef":
    sts = session.client("sts", region_name=region)
    answer = sts.assume_role(RoleArn=role_arn, RoleSessionName=session_name(operator))
    return answer["Credentials"]


def _by_token(
    session: boto3.Session, role_arn: str, region: str, operator: str, token_file: Path
) -> "CredentialsTypeDef":
    try:
        token = token_file.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(
            f"{WEB_IDENTITY_VARIABLE} names {token_file}, which cannot be read: {error}",
            hint="write the OIDC token into that file, or unset the variable",
        ) from error
    # Unsigned, since the token is the credential: botocore would look for another.
    sts = session.client("sts", region_name=region, config=Config(signature_version=UNSIGNED))
    answer = sts.assume_role_with_web_identity(
        RoleArn=role_arn, RoleSessionName=session_name(operator), WebIdentityToken=token
    )
    return answer["Credentials"]


def _checked(
    credentials: "CredentialsTypeDef", role_arn: str, account_id: str, region: str
) -> boto3.Session:
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
