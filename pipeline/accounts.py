"""Acts in an account as its plan role or its apply role, and reads what state holds there.

The roles are taken as ``live/root.hcl`` has Terraform take them: with a job's OIDC token where
there is one, else with the caller's own credentials.
"""

import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import yaml
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from pipeline.errors import PipelineError
from pipeline.tree import LIVE

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sts.type_defs import CredentialsTypeDef

PLAN, APPLY = "plan", "apply"

_TOKEN_FILE = "AWS_WEB_IDENTITY_TOKEN_FILE"  # noqa: S105 # a variable's name
_SESSION_NAME = "pipeline"
_MISSING = {"404", "NoSuchKey", "NoSuchBucket", "NotFound"}


@dataclass(frozen=True, slots=True)
class Facts:
    """What ``live/organization.yaml`` says that plans need.

    Attributes:
        organization: prefix of every name.
        repository: owner and name.
        accounts: folder to account id.
        promotion: environments, in the order in which a release passes through them.
    """

    organization: str
    repository: str
    accounts: Mapping[str, str]
    promotion: tuple[str, ...]

    @classmethod
    def load(cls, root: Path) -> "Facts":
        """Read them from a checkout.

        Raises:
            PipelineError: they are not there.
        """
        path = root / LIVE / "organization.yaml"
        try:
            facts = yaml.safe_load(path.read_text("utf-8"))
            return cls(
                organization=facts["organization"],
                repository=facts["github_repository"],
                accounts={name: str(number) for name, number in facts["accounts"].items()},
                promotion=tuple(facts.get("promotion", ())),
            )
        except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
            raise PipelineError(f"{path} cannot be read: {error}") from error

    def account_id(self, account: str) -> str:
        """The id of an account.

        Raises:
            PipelineError: the organisation has no such account.
        """
        if account not in self.accounts:
            raise PipelineError(
                f"live/{account} is no account of live/organization.yaml",
                hint="known: " + ", ".join(self.accounts),
            )
        return self.accounts[account]

    def role_arn(self, account: str, role: str) -> str:
        """The role that plans or applies in an account."""
        return f"arn:aws:iam::{self.account_id(account)}:role/{self.organization}-{role}"

    def state_bucket(self, account: str) -> str:
        """Where all state of an account lies."""
        return f"{self.organization}-tfstate-{self.account_id(account)}"

    def plan_bucket(self, account: str) -> str:
        """Where the plans of an account lie."""
        return f"{self.organization}-plans-{self.account_id(account)}"


class Accounts:
    """Clients of S3 in each account, each role taken once."""

    def __init__(
        self,
        facts: Facts,
        *,
        environ: Mapping[str, str] = os.environ,
        ambient: Callable[[], boto3.Session] = boto3.Session,
    ) -> None:
        self.facts = facts
        self._environ = environ
        self._ambient = ambient
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str, str], S3Client] = {}

    def s3(self, account: str, region: str, role: str) -> "S3Client":
        """S3 as a role of an account.

        Raises:
            PipelineError: the role cannot be taken, or led into another account.
        """
        with self._lock:
            key = (account, region, role)
            if key not in self._clients:
                self._clients[key] = self._session(account, region, role).client("s3")
            return self._clients[key]

    def _session(self, account: str, region: str, role: str) -> boto3.Session:
        arn = self.facts.role_arn(account, role)
        try:
            credentials = self._credentials(arn, region)
            session = boto3.Session(
                aws_access_key_id=credentials["AccessKeyId"],
                aws_secret_access_key=credentials["SecretAccessKey"],
                aws_session_token=credentials["SessionToken"],
                region_name=region,
            )
            actual = session.client("sts").get_caller_identity()["Account"]
        except (BotoCoreError, ClientError, OSError) as error:
            raise PipelineError(
                f"{arn} cannot be taken: {error}",
                hint="the account may not be bootstrapped yet (make bootstrap-account "
                f"ACCOUNT={account}), or these credentials may not take the role",
            ) from error
        if actual != self.facts.account_id(account):
            raise PipelineError(f"{arn} led into account {actual}")
        return session

    def _credentials(self, arn: str, region: str) -> "CredentialsTypeDef":
        token_file = self._environ.get(_TOKEN_FILE, "")
        if not token_file:
            sts = self._ambient().client("sts", region_name=region)
            return sts.assume_role(RoleArn=arn, RoleSessionName=_SESSION_NAME)["Credentials"]
        # Unsigned, since the token is the credential: botocore would look for another.
        sts = self._ambient().client(
            "sts", region_name=region, config=Config(signature_version=UNSIGNED)
        )
        return sts.assume_role_with_web_identity(
            RoleArn=arn,
            RoleSessionName=_SESSION_NAME,
            WebIdentityToken=Path(token_file).read_text("ascii").strip(),
        )["Credentials"]


class States:
    """What is in the units' states, read from the accounts' buckets.

    A tenth of a second a unit, where `terragrunt output` takes seconds: it starts Terraform.
    """

    def __init__(self, accounts: Accounts, role: str) -> None:
        self._accounts = accounts
        self._role = role

    def read(self, unit: str) -> dict[str, Any] | None:
        """A unit's state; None when it has none.

        Raises:
            PipelineError: the bucket cannot be read, or holds something else.
        """
        account, region, _, _ = unit.split("/")
        bucket = self._accounts.facts.state_bucket(account)
        key = f"{unit}/terraform.tfstate"
        try:
            answer = self._accounts.s3(account, region, self._role).get_object(
                Bucket=bucket, Key=key
            )
            document = json.loads(answer["Body"].read())
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return None
            raise PipelineError(f"s3://{bucket}/{key} cannot be read: {error}") from error
        except (BotoCoreError, ValueError) as error:
            raise PipelineError(f"s3://{bucket}/{key} cannot be read: {error}") from error
        return document if isinstance(document, dict) else None

    def has_outputs(self, unit: str) -> bool:
        """Whether a unit was applied, so that others can build on what it puts out."""
        state = self.read(unit)
        return bool(state and state.get("outputs"))

    def is_empty(self, unit: str) -> bool:
        """Whether a unit holds nothing that could be destroyed."""
        state = self.read(unit)
        return not state or not state.get("resources")
