"""The trigger: a token is bound to what the token endpoint stated, or there is none."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from clientcert import MAXIMUM_AGE_SECONDS, MAXIMUM_SKEW_SECONDS, BindingStatement
from mtls_token_binding import handler as module
from mtls_token_binding.binding import Refusal, RefusedError
from tests.functions.support import (
    APP_CLIENT_ID,
    NOW_SECONDS,
    REGION,
    THUMBPRINT,
    USER_POOL_ID,
    Invoke,
    LogLines,
    event,
)

STATEMENT = BindingStatement(
    x5t_s256=THUMBPRINT,
    client_id=APP_CLIENT_ID,
    user_pool_id=USER_POOL_ID,
    issued_at=int(NOW_SECONDS),
    nonce="n" * 22,
)


@pytest.fixture(autouse=True)
def kms(aws_credentials: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A KMS with the binding key, and time standing still."""
    monkeypatch.setattr("time.time", lambda: NOW_SECONDS)
    module._is_genuine.cache_clear()
    with mock_aws():
        monkeypatch.setenv("BINDING_KEY_ID", new_key())
        yield
    module._is_genuine.cache_clear()


def new_key() -> str:
    key = boto3.client("kms", region_name=REGION).create_key(
        KeyUsage="GENERATE_VERIFY_MAC", KeySpec="HMAC_256"
    )
    return key["KeyMetadata"]["KeyId"]


def metadata(statement: BindingStatement, key_id: str) -> dict[str, str]:
    """What the token endpoint sends."""
    answer = boto3.client("kms", region_name=REGION).generate_mac(
        KeyId=key_id, Message=statement.message(), MacAlgorithm="HMAC_SHA_256"
    )
    return statement.to_metadata(answer["Mac"])


@pytest.fixture
def key_id(monkeypatch: pytest.MonkeyPatch, kms: None) -> str:
    key_id = new_key()
    monkeypatch.setenv("BINDING_KEY_ID", key_id)
    return key_id


def trigger(client_metadata: object, **changes: Any) -> dict[str, Any]:
    request = {**event("pre_token"), **changes}
    request["request"]["clientMetadata"] = client_metadata
    return request


def refusal(invoke: Invoke, request: dict[str, Any]) -> Refusal:
    with pytest.raises(RefusedError) as refused:
        invoke(module.handler, request)
    return refused.value.reason


def test_a_genuine_statement_binds_the_token(invoke: Invoke, key_id: str) -> None:
    request = trigger(metadata(STATEMENT, key_id))

    answer = invoke(module.handler, request)

    assert answer["response"] == {
        "claimsAndScopeOverrideDetails": {
            "accessTokenGeneration": {"claimsToAddOrOverride": {"cnf": {"x5t#S256": THUMBPRINT}}}
        }
    }
    assert answer["userPoolId"] == USER_POOL_ID


def test_a_statement_may_be_a_minute_old(invoke: Invoke, key_id: str) -> None:
    old = replace(STATEMENT, issued_at=int(NOW_SECONDS) - MAXIMUM_AGE_SECONDS)

    assert invoke(module.handler, trigger(metadata(old, key_id)))["response"]


def test_the_other_clock_may_be_a_little_ahead(invoke: Invoke, key_id: str) -> None:
    ahead = replace(STATEMENT, issued_at=int(NOW_SECONDS) + MAXIMUM_SKEW_SECONDS)

    assert invoke(module.handler, trigger(metadata(ahead, key_id)))["response"]


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        (
            replace(STATEMENT, issued_at=int(NOW_SECONDS) - MAXIMUM_AGE_SECONDS - 1),
            Refusal.STATEMENT_EXPIRED,
        ),
        (
            replace(STATEMENT, issued_at=int(NOW_SECONDS) + MAXIMUM_SKEW_SECONDS + 1),
            Refusal.STATEMENT_NOT_YET_VALID,
        ),
        (replace(STATEMENT, client_id="another"), Refusal.CLIENT_MISMATCH),
        (replace(STATEMENT, user_pool_id="eu-west-1_Other"), Refusal.USER_POOL_MISMATCH),
    ],
)
def test_a_genuine_statement_about_something_else_is_refused(
    invoke: Invoke, key_id: str, statement: BindingStatement, reason: Refusal
) -> None:
    assert refusal(invoke, trigger(metadata(statement, key_id))) is reason


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x5t_s256", "A" * 43),
        ("client_id", "another"),
        ("user_pool_id", "eu-west-1_Other"),
        ("issued_at", str(int(NOW_SECONDS) + 1)),
        ("nonce", "m" * 22),
        ("mac", "A" * 43),
    ],
)
def test_a_changed_statement_is_refused(invoke: Invoke, key_id: str, name: str, value: str) -> None:
    changed = {**metadata(STATEMENT, key_id), name: value}

    assert refusal(invoke, trigger(changed)) is Refusal.MAC_INVALID


def test_a_statement_under_another_key_is_refused(invoke: Invoke, key_id: str) -> None:
    assert refusal(invoke, trigger(metadata(STATEMENT, new_key()))) is Refusal.MAC_INVALID


@pytest.mark.parametrize(
    ("client_metadata", "reason"),
    [
        (None, Refusal.STATEMENT_MISSING),
        ({}, Refusal.STATEMENT_MALFORMED),
        ("text", Refusal.STATEMENT_MALFORMED),
        ({"x5t_s256": THUMBPRINT}, Refusal.STATEMENT_MALFORMED),
        ({"cnf": {"x5t#S256": THUMBPRINT}}, Refusal.STATEMENT_MALFORMED),
    ],
)
def test_without_a_statement_there_is_no_token(
    invoke: Invoke, client_metadata: object, reason: Refusal
) -> None:
    assert refusal(invoke, trigger(client_metadata)) is reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"version": "2"}, Refusal.VERSION_WRONG),
        ({"triggerSource": "TokenGeneration_HostedAuth"}, Refusal.TRIGGER_WRONG),
        ({"callerContext": None}, Refusal.EVENT_MALFORMED),
        ({"callerContext": {}}, Refusal.EVENT_MALFORMED),
    ],
)
def test_another_trigger_is_refused(
    invoke: Invoke, key_id: str, changes: dict[str, Any], reason: Refusal
) -> None:
    assert refusal(invoke, trigger(metadata(STATEMENT, key_id), **changes)) is reason


@pytest.mark.parametrize("hostile", [{}, {"request": None}, {"version": "3"}])
def test_an_event_of_another_form_is_refused(invoke: Invoke, hostile: dict[str, Any]) -> None:
    assert refusal(invoke, hostile) is Refusal.EVENT_MALFORMED


def test_a_failing_kms_means_no_token_and_no_detail(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, key_id: str, logs: LogLines
) -> None:
    request = trigger(metadata(STATEMENT, key_id))
    monkeypatch.setenv("BINDING_KEY_ID", "11111111-2222-3333-4444-555555555555")

    with pytest.raises(RefusedError) as refused:
        invoke(module.handler, request)

    assert str(refused.value) == Refusal.INTERNAL_ERROR
    assert refused.value.__suppress_context__
    assert "NotFoundException" in logs.text


def test_both_ends_are_logged_and_counted(invoke: Invoke, key_id: str, logs: LogLines) -> None:
    invoke(module.handler, trigger(metadata(STATEMENT, key_id)))
    refusal(invoke, trigger(None))

    [bound] = logs.messages("bound")
    [refused] = logs.messages("refused")
    [metric] = logs.metrics("Refused")
    assert bound["nonce"] == STATEMENT.nonce
    assert refused["reason"] == metric["reason"] == Refusal.STATEMENT_MISSING
    assert logs.metrics("Bound")


def test_the_mac_stays_out_of_the_log(invoke: Invoke, key_id: str, logs: LogLines) -> None:
    sent = metadata(STATEMENT, key_id)

    invoke(module.handler, trigger(sent))
    refusal(invoke, trigger({**sent, "client_id": "another"}))

    assert sent["mac"] not in logs.text
