"""An account's first units: in order, resumable, and never without their state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.support import LIVE, ORGANIZATION
from tools.bootstrap_account import (
    Account,
    bootstrap,
    complete,
    find_account,
    holds_its_state,
    main,
    make_ca,
    object_exists,
)
from tools.errors import ToolsError, UsageError


@pytest.fixture
def account() -> Account:
    account_id = ORGANIZATION.security_account_id
    return Account(
        "security",
        account_id,
        LIVE / "security" / ORGANIZATION.region / "account",
        f"{ORGANIZATION.name}-tfstate-{account_id}",
    )


@dataclass
class FakeTerragrunt:
    """Notes what is run; its migration puts the state into the bucket, unless told otherwise."""

    in_bucket: bool = False
    migrates: bool = True
    fails_at: str = ""
    ran: list[str] = field(default_factory=list)

    def __call__(
        self,
        folder: Path,
        command: Sequence[str],
        extra: Mapping[str, str],
        *,
        options: Sequence[str] = (),
    ) -> None:
        assert extra["MTLS_BOOTSTRAP"] == "1"
        where = "local" if "MTLS_BOOTSTRAP_STATE" in extra else "bucket"
        told = f"{folder.name} {' '.join([*options, *command])} [{where}]"
        self.ran.append(told)
        if self.fails_at and self.fails_at in told:
            raise ToolsError("no network")
        if where == "local" and command[0] == "apply":
            Path(extra["MTLS_BOOTSTRAP_STATE"]).write_text("state")
        if "-migrate-state" in command:
            self.in_bucket = self.migrates


def run(account: Account, terragrunt: FakeTerragrunt, state: Path) -> None:
    bootstrap(
        account,
        bootstrap_state=state,
        state_is_in_bucket=lambda: terragrunt.in_bucket,
        terragrunt=terragrunt,
    )


def test_the_bucket_is_made_then_takes_its_own_state_then_come_the_roles(
    account: Account, tmp_path: Path
) -> None:
    terragrunt = FakeTerragrunt()
    state = tmp_path / "bootstrap" / "security.tfstate"
    run(account, terragrunt, state)
    assert terragrunt.ran == [
        "state-bucket init -reconfigure [local]",
        "state-bucket apply -auto-approve -target=aws_s3_bucket.this [local]",
        "state-bucket init -migrate-state -force-copy [bucket]",
        "deploy-roles apply -auto-approve [bucket]",
    ]
    assert not state.exists()


def test_what_was_done_is_not_done_again(account: Account, tmp_path: Path) -> None:
    terragrunt = FakeTerragrunt(in_bucket=True)
    run(account, terragrunt, tmp_path / "state")
    assert terragrunt.ran == ["deploy-roles apply -auto-approve [bucket]"]


def test_interrupted_before_the_migration_it_continues_from_the_local_state(
    account: Account, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    with pytest.raises(ToolsError, match="no network"):
        run(account, FakeTerragrunt(fails_at="-migrate-state"), state)
    assert state.read_text() == "state"
    again = FakeTerragrunt()
    run(account, again, state)
    assert again.in_bucket
    assert not state.exists()


def test_interrupted_after_the_migration_the_left_over_file_goes(
    account: Account, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    state.write_text("old")
    run(account, FakeTerragrunt(in_bucket=True), state)
    assert not state.exists()


def test_a_state_that_did_not_arrive_is_kept_and_no_role_is_made(
    account: Account, tmp_path: Path
) -> None:
    terragrunt = FakeTerragrunt(migrates=False)
    with pytest.raises(ToolsError, match="did not arrive") as failed:
        run(account, terragrunt, tmp_path / "state")
    assert str(tmp_path / "state") in failed.value.hint
    assert (tmp_path / "state").exists()
    assert not any(told.startswith("deploy-roles") for told in terragrunt.ran)


def test_the_security_accounts_administrator_makes_the_whole_ca(account: Account) -> None:
    terragrunt = FakeTerragrunt(in_bucket=True)
    make_ca(account, terragrunt)
    assert terragrunt.ran == ["ca --all apply [bucket]"]


def test_environments_that_are_left_out_get_no_issuer(account: Account) -> None:
    terragrunt = FakeTerragrunt(in_bucket=True)
    make_ca(account, terragrunt, without=["stage", "prod"])
    assert terragrunt.ran == [
        "ca --all --filter !issuer-stage --filter !issuer-prod apply [bucket]"
    ]


def test_no_other_account_has_a_ca() -> None:
    terragrunt = FakeTerragrunt(in_bucket=True)
    make_ca(find_account(LIVE, "non-prod"), terragrunt)
    assert terragrunt.ran == []


def test_completing_applies_all_settings_of_both_buckets_at_once(account: Account) -> None:
    terragrunt = FakeTerragrunt(in_bucket=True)
    complete(account, terragrunt)
    assert terragrunt.ran == [
        "account --all --filter state-bucket --filter plan-bucket apply [bucket]"
    ]


def test_an_administrator_applies_the_account_and_where_it_is_the_ca(account: Account) -> None:
    assert account.folders == [account.folder, account.folder.parent / "ca"]
    other = find_account(LIVE, "non-prod")
    assert other.folders == [other.folder]


def test_an_account_is_found_by_its_folder(account: Account) -> None:
    found = find_account(LIVE, "security")
    assert found == account
    unit = f"security/{ORGANIZATION.region}/account/state-bucket"
    assert found.region == ORGANIZATION.region
    assert found.state_key == f"{unit}/terraform.tfstate"


def test_an_unknown_account_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(UsageError, match="names no account sandbox") as refused:
        find_account(LIVE, "sandbox")
    assert ", ".join(ORGANIZATION.accounts) in refused.value.hint


def test_an_unknown_account_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sandbox"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: live/organization.yaml names no account sandbox\nhint: known: ")


def write_facts(folder: Path, **changed: object) -> None:
    """The organisation's facts in a tree without units, some of them changed."""
    facts = yaml.safe_load((LIVE / "organization.yaml").read_text("utf-8"))
    document = {**facts, "promotion": [], **changed}
    (folder / "organization.yaml").write_text(yaml.safe_dump(document))


def test_an_account_without_units_is_refused(tmp_path: Path) -> None:
    write_facts(tmp_path)
    with pytest.raises(ToolsError, match="found 0"):
        find_account(tmp_path, "security")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"accounts": ["security"]}, "accounts: expected a mapping of name to id"),
        ({"accounts": {"security": 111}}, "accounts: security: expected a string of 12 digits"),
        ({"organization": None}, "organization: expected a lower-case name"),
        ({"promotion": ["dev"]}, "promotion: no environment dev"),
        ({"organisation": "example"}, "unknown: organisation"),
    ],
)
def test_facts_that_are_wrong_are_named(
    changed: dict[str, object], message: str, tmp_path: Path
) -> None:
    write_facts(tmp_path, **changed)
    with pytest.raises(ToolsError, match=f"organization.yaml: {message}"):
        find_account(tmp_path, "security")


@pytest.mark.parametrize(
    ("text", "message"),
    [("organization: [", "is not YAML"), ("[]", "expected a mapping"), ("", "expected a mapping")],
)
def test_a_file_of_facts_that_is_none_is_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "organization.yaml").write_text(text)
    with pytest.raises(ToolsError, match=message):
        find_account(tmp_path, "security")


def test_a_missing_file_of_facts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolsError, match=r"organization\.yaml does not exist"):
        find_account(tmp_path, "security")


@mock_aws
def test_an_object_is_looked_for_in_a_bucket_that_may_not_exist(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    client = boto3.client("s3", region_name="us-east-1")
    assert not object_exists(client, "example-tfstate-1", "key")
    client.create_bucket(Bucket="example-tfstate-1")
    assert not object_exists(client, "example-tfstate-1", "key")
    client.put_object(Bucket="example-tfstate-1", Key="key", Body=b"")
    assert object_exists(client, "example-tfstate-1", "key")


class Refusing:
    """S3, when the bucket is another account's or lies in another region."""

    def __init__(self, status: int) -> None:
        self._status = status

    def head_object(self, **_: str) -> None:
        raise ClientError(
            {
                "Error": {"Code": str(self._status), "Message": "no"},
                "ResponseMetadata": {"HTTPStatusCode": self._status},  # type: ignore[typeddict-item]
            },
            "HeadObject",
        )


@pytest.mark.parametrize("status", [301, 403])
def test_a_bucket_that_is_not_the_accounts_own_is_one_error_and_not_a_missing_object(
    status: int, account: Account
) -> None:
    client: Any = Refusing(status)
    with pytest.raises(ClientError):
        object_exists(client, "bucket", "key")
    with pytest.raises(
        ToolsError, match=f"^cannot look into s3://{account.state_bucket}: "
    ) as refused:
        holds_its_state(account, client)
    assert f"belong to account {account.id} and lie in {account.region}" in refused.value.hint
