from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from hypothesis import given
from hypothesis import strategies as st

from pki.errors import AccountError, FileError
from pki.sessions import ceremony_session, default_operator, session_name, writer_session
from tests.pki.support import Cloud


@pytest.fixture
def arns(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which roles were assumed, with which session name, in order."""
    seen: list[str] = []

    def note(asked: str, answer: Any) -> Any:
        seen.append(asked)
        return answer

    spy_on(monkeypatch, "AssumeRole", note)
    spy_on(monkeypatch, "AssumeRoleWithWebIdentity", note)
    return seen


def spy_on(
    monkeypatch: pytest.MonkeyPatch, operation: str, change: Callable[[str, Any], Any]
) -> None:
    make_api_call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def call(client: BaseClient, name: str, parameters: Any) -> Any:
        answer = make_api_call(client, name, parameters)
        if name != operation:
            return answer
        asked = (name, parameters.get("RoleArn"), parameters.get("RoleSessionName"))
        return change(" ".join(map(str, asked)), answer)

    monkeypatch.setattr(BaseClient, "_make_api_call", call)


def test_the_ceremony_role_leads_on_to_the_writer(cloud: Cloud, arns: list[str]) -> None:
    ceremony = ceremony_session(boto3.Session(), cloud.organization, "alice")
    writer = writer_session(ceremony, cloud.environment, "alice")

    assert arns == [
        "AssumeRole arn:aws:iam::111111111111:role/example-ceremony pki-alice",
        "AssumeRole arn:aws:iam::222222222222:role/example-dev-pki-writer pki-alice",
    ]
    assert writer.client("sts").get_caller_identity()["Account"] == "222222222222"
    assert writer.region_name == "eu-west-1"


def test_a_job_takes_the_ceremony_role_with_its_token(
    cloud: Cloud, arns: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("header.claims.signature\n")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)

    ceremony = ceremony_session(boto3.Session(), cloud.organization, "alice")
    writer = writer_session(ceremony, cloud.environment, "alice")

    assert arns == [
        "AssumeRoleWithWebIdentity arn:aws:iam::111111111111:role/example-ceremony pki-alice",
        "AssumeRole arn:aws:iam::222222222222:role/example-dev-pki-writer pki-alice",
    ]
    assert writer.client("sts").get_caller_identity()["Account"] == "222222222222"


def test_a_token_that_is_not_there_is_named(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))

    with pytest.raises(FileError, match=r"AWS_WEB_IDENTITY_TOKEN_FILE names .*token, which cannot"):
        ceremony_session(boto3.Session(), cloud.organization, "alice")


def test_the_writer_role_is_assumed_with_the_ceremonys_credentials(cloud: Cloud) -> None:
    ceremony = ceremony_session(boto3.Session(), cloud.organization, "alice")

    assert ceremony.client("sts").get_caller_identity()["Account"] == "111111111111"


def test_a_role_that_leads_elsewhere_is_refused(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    spy_on(monkeypatch, "GetCallerIdentity", lambda _, answer: answer | {"Account": "444444444444"})

    with pytest.raises(AccountError, match="led into 444444444444, expected 111111111111"):
        ceremony_session(boto3.Session(), cloud.organization, "alice")


@given(st.text(max_size=100))
def test_any_operator_makes_a_session_name_that_sts_takes(operator: str) -> None:
    name = session_name(operator)

    assert 2 <= len(name) <= 64
    assert all(letter.isascii() and (letter.isalnum() or letter in "_+=,.@-") for letter in name)


def test_the_operator_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PKI_OPERATOR", "bob@example.com")

    assert default_operator() == "bob@example.com"
    assert session_name(default_operator()) == "pki-bob@example.com"


def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PKI_OPERATOR", "LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 4_000_000_001)

    assert default_operator() == "uid-4000000001"
