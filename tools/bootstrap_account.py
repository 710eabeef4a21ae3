"""Gives an AWS account what all else in it stands on: state bucket, deploy roles, plan bucket.

    python -m tools.bootstrap_account security

Run once for each account, with credentials of an administrator of that very account, since there
is no role yet to assume. It can be run again at any time: it continues where it was interrupted,
and changes nothing where all is done.

In the security account it makes the certificate authority as well (all of ``ca/``: keys, log, and
the functions that sign), and is run again whenever these or the roles change: the pipeline, which
could otherwise plant a CA or have it sign, may change none of it.
"""

import argparse
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from pki.errors import PkiError
from pki.organization import load_organization
from tools.errors import ToolsError, UsageError, exit_code
from tools.install import ensure
from tools.paths import BUILD, ROOT

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LIVE = ROOT / "live"

_OWN_CREDENTIALS = {"MTLS_BOOTSTRAP": "1"}
_APPLY = ["apply", "-auto-approve"]


class Terragrunt(Protocol):
    """Runs Terraform in a unit, or in each below a folder; raises when it fails."""

    def __call__(
        self,
        folder: Path,
        command: Sequence[str],
        extra: Mapping[str, str],
        *,
        options: Sequence[str] = (),
    ) -> None:
        """Run a command with these variables on top, and with these options of Terragrunt."""


@dataclass(frozen=True)
class Account:
    """An account of ``live/`` and where its own state lies.

    Attributes:
        name: its folder below ``live/``.
        id: 12 digits.
        folder: its units, ``live/<name>/<region>/account``.
        state_bucket: where all state of the account lies.
    """

    name: str
    id: str
    folder: Path
    state_bucket: str

    @property
    def region(self) -> str:
        """The region of its units."""
        return self.folder.parent.name

    @property
    def state_key(self) -> str:
        """Where the state of the state bucket itself lies, in that bucket."""
        unit = (self.folder / "state-bucket").relative_to(self.folder.parents[2])
        return f"{unit.as_posix()}/terraform.tfstate"

    @property
    def folders(self) -> list[Path]:
        """The folders of what its administrator applies."""
        return [self.folder, *([self.ca_folder] if self.ca_folder is not None else [])]

    @property
    def ca_folder(self) -> Path | None:
        """The units of the certificate authority, in the security account alone."""
        folder = self.folder.parent / "ca"
        return folder if folder.is_dir() else None


def find_account(live: Path, name: str) -> Account:
    """Find an account by its folder.

    Raises:
        UsageError: there is no such account.
        ToolsError: the organisation's facts are wrong, or not exactly one folder has its units.
    """
    try:
        organization = load_organization(live)
    except PkiError as error:
        raise ToolsError(str(error), hint=error.hint or "") from error
    if name not in organization.accounts:
        raise UsageError(
            f"live/organization.yaml names no account {name}",
            hint="known: " + ", ".join(organization.accounts),
        )
    folders = sorted(live.glob(f"{name}/*/account"))
    if len(folders) != 1:
        raise ToolsError(
            f"expected one folder live/{name}/<region>/account, found {len(folders)}",
            hint="an account keeps its state and roles in one region",
        )
    account_id = organization.accounts[name]
    return Account(
        name=name,
        id=account_id,
        folder=folders[0],
        state_bucket=f"{organization.name}-tfstate-{account_id}",
    )


def bootstrap(
    account: Account,
    *,
    bootstrap_state: Path,
    state_is_in_bucket: Callable[[], bool],
    terragrunt: Terragrunt,
) -> None:
    """Make the account's state bucket, move its state into it, and make the deploy roles.

    The bucket's own state begins in a local file, since there is no bucket to keep it in, and
    moves into the bucket as soon as that is there. `complete` then applies the bucket's settings.

    Args:
        account: the account.
        bootstrap_state: that local file; it is gone afterwards.
        state_is_in_bucket: whether the bucket already holds its own state.
        terragrunt: how to run a command in a unit.

    Raises:
        ToolsError: the state did not arrive in the bucket. The local file is kept.
    """
    unit = account.folder / "state-bucket"
    if not state_is_in_bucket():
        bootstrap_state.parent.mkdir(parents=True, exist_ok=True)
        local = {**_OWN_CREDENTIALS, "MTLS_BOOTSTRAP_STATE": str(bootstrap_state)}
        # A working directory that an earlier bootstrap used still points at its bucket.
        terragrunt(unit, ["init", "-reconfigure"], local)
        # Some settings take S3 a minute to confirm: state need not wait for them, nor need roles.
        terragrunt(unit, [*_APPLY, "-target=aws_s3_bucket.this"], local)
        terragrunt(unit, ["init", "-migrate-state", "-force-copy"], _OWN_CREDENTIALS)
        if not state_is_in_bucket():
            raise ToolsError(
                f"the state of {unit} did not arrive in s3://{account.state_bucket}",
                hint=f"it is safe in {bootstrap_state}; run this again",
            )
    bootstrap_state.unlink(missing_ok=True)
    terragrunt(account.folder / "deploy-roles", _APPLY, _OWN_CREDENTIALS)


def make_ca(account: Account, terragrunt: Terragrunt, *, without: Sequence[str] = ()) -> None:
    """Make the CA's keys, log and functions where the account holds them, after `bootstrap`.

    Their policies name the ceremony role, which AWS wants to exist.

    Args:
        account: the account.
        terragrunt: how to run a command below a folder.
        without: environments that get no issuer, as a laptop may leave them out.
    """
    if account.ca_folder is not None:
        filters = [option for name in without for option in ("--filter", f"!issuer-{name}")]
        terragrunt(account.ca_folder, ["apply"], _OWN_CREDENTIALS, options=["--all", *filters])


def complete(account: Account, terragrunt: Terragrunt) -> None:
    """Apply all settings of the account's state bucket and its plan bucket, after `bootstrap`.

    S3 takes its time to confirm some of them: both at once.
    """
    terragrunt(
        account.folder,
        ["apply"],
        _OWN_CREDENTIALS,
        options=["--all", "--filter", "state-bucket", "--filter", "plan-bucket"],
    )


def object_exists(client: "S3Client", bucket: str, key: str) -> bool:
    """Whether a bucket of the caller's account exists and holds an object.

    Raises:
        ClientError: anything but a missing bucket or object, such as missing rights.
    """
    try:
        client.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            return False
        raise
    return True


def holds_its_state(account: Account, client: "S3Client") -> bool:
    """Whether the account's state bucket exists and holds its own state.

    Raises:
        ToolsError: AWS does not say; the bucket may be somebody else's.
    """
    try:
        return object_exists(client, account.state_bucket, account.state_key)
    except (BotoCoreError, ClientError) as error:
        raise ToolsError(
            f"cannot look into s3://{account.state_bucket}: {error}",
            hint=f"the bucket must belong to account {account.id} and lie in {account.region}, "
            "and you must be an administrator of that account",
        ) from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bootstrap_account",
        description="Makes an account's state bucket, deploy roles and plan bucket, and the "
        "certificate authority's units in the security account, as an administrator of that "
        "account.",
        epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted; running it again "
        "continues where it stopped.",
    )
    parser.add_argument("account", metavar="ACCOUNT", help="a folder of live/, such as security")
    options = parser.parse_args(arguments)
    return exit_code(lambda: _run(options.account))


def _run(name: str) -> int:
    account = find_account(LIVE, name)
    _require_caller_in(account)
    environ = ensure(["terraform", "terragrunt"])
    storage = boto3.client("s3", region_name=account.region)

    def terragrunt(
        folder: Path,
        command: Sequence[str],
        extra: Mapping[str, str],
        *,
        options: Sequence[str] = (),
    ) -> None:
        result = subprocess.run(
            [
                *("terragrunt", "run", "--non-interactive", "--working-dir", str(folder)),
                *(*options, "--", *command),
            ],
            env={**environ, **extra},
            check=False,
        )
        if result.returncode != 0:
            raise ToolsError(
                f"{folder.relative_to(ROOT)}: terragrunt {command[0]} failed",
                hint="put right what it says above and run this again",
            )

    bootstrap(
        account,
        bootstrap_state=BUILD / "bootstrap" / f"{name}.tfstate",
        state_is_in_bucket=lambda: holds_its_state(account, storage),
        terragrunt=terragrunt,
    )
    make_ca(account, terragrunt)
    complete(account, terragrunt)
    return 0


def _require_caller_in(account: Account) -> None:
    try:
        sts = boto3.client("sts", region_name=account.region)
        caller = sts.get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        raise ToolsError(
            f"AWS does not say whose credentials these are: {error}",
            hint=f"log in as an administrator of account {account.id}",
        ) from error
    if caller != account.id:
        raise ToolsError(
            f"these credentials belong to account {caller}, {account.name} is {account.id}",
            hint="log in to that account, or correct live/organization.yaml",
        )


if __name__ == "__main__":
    sys.exit(main())
