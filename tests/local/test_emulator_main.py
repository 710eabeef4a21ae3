"""The actions of the emulator that we correct."""

import asyncio
import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from local.emulator_main import Answer, Signatures, complete, keep_tags, keep_truststore, look_up

ALARM = {
    "AlarmName": "a & b",
    "Period": 60,
    "ActionsEnabled": True,
    "AlarmActions": [],
    "Dimensions": [{"Name": "ApiId", "Value": "x1"}],
    "Unit": None,
    "StateUpdatedTimestamp": 1700000000.0,
}


JSON = {"is_cbor": False, "is_json": True}
CBOR = {"is_cbor": True}
QUERY = {"is_cbor": False}
ONE = {"AlarmNames.member.1": ["a"]}


def describe(params: dict[str, Any], body: dict[str, Any], *protocol: bool) -> Answer:
    if protocol == (False, True):
        asked = {"MetricAlarms": [ALARM] if body.get("AlarmNames") == ["a"] else []}
        return 200, {}, json.dumps(asked).encode()
    return 200, {}, b"<incomplete/>"


def to_xml(status: int, root: str, content: str) -> Answer:
    return status, {}, f"<{root}>{content}</{root}>".encode()


def test_a_query_answer_holds_all_that_the_json_answer_holds() -> None:
    answer = complete(describe, to_xml)(ONE, {}, **QUERY)
    alarm = ET.fromstring(answer[2]).find("DescribeAlarmsResult/MetricAlarms/member")  # noqa: S314
    assert alarm is not None
    assert alarm.findtext("AlarmName") == "a & b"
    assert alarm.findtext("Period") == "60"
    assert alarm.findtext("ActionsEnabled") == "true"
    assert alarm.findtext("Dimensions/member/Name") == "ApiId"
    assert alarm.findtext("StateUpdatedTimestamp") == "2023-11-14T22:13:20Z"


def test_what_is_not_set_is_absent() -> None:
    answer = complete(describe, to_xml)(ONE, {}, **QUERY)
    assert b"AlarmName" in answer[2]
    assert b"Unit" not in answer[2]


def test_other_protocols_are_left_alone() -> None:
    wrapped = complete(describe, to_xml)
    assert wrapped({}, {}, **CBOR) == (200, {}, b"<incomplete/>")
    answer = wrapped({}, {"AlarmNames": ["a"]}, **JSON)
    assert json.loads(answer[2]) == {"MetricAlarms": [ALARM]}


DOMAINS = {"api.example.com": {"mutualTlsAuthentication": {"truststoreUri": "s3://b/t.pem"}}}


def update(name: str, body: dict[str, Any]) -> Answer:
    return 200, {"domain": name}, json.dumps(body).encode()


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"truststoreVersion": "2"}, {"truststoreUri": "s3://b/t.pem", "truststoreVersion": "2"}),
        ({"truststoreUri": "s3://b/u.pem"}, {"truststoreUri": "s3://b/u.pem"}),
        ({"truststoreUri": ""}, {"truststoreUri": ""}),
    ],
    ids=["a new version", "another object", "switched off"],
)
def test_an_update_of_a_domain_keeps_what_it_leaves_out(
    given: dict[str, str], meant: dict[str, str]
) -> None:
    answer = keep_truststore(update, DOMAINS)("api.example.com", {"mutualTlsAuthentication": given})
    assert json.loads(answer[2]) == {"mutualTlsAuthentication": meant}


def test_an_update_of_something_else_is_left_alone() -> None:
    answer = keep_truststore(update, DOMAINS)("api.example.com", {"routingMode": "x"})
    assert json.loads(answer[2]) == {"routingMode": "x"}


KEY_ARN = "arn:aws:kms:eu-west-1:111111111111:key/1"
CALLER = {"arn": "arn:aws:sts::111111111111:assumed-role/ceremony/pki-alice", "accountId": "1" * 12}
SIGN = {"x-amz-target": "TrentService.Sign"}
SIGN_REQUEST = json.dumps({"KeyId": "alias/root", "Message": "c2VjcmV0", "MessageType": "DIGEST"})


def recorded(answer: Answer, headers: dict[str, str] = SIGN, service: str = "kms") -> list[Any]:
    events: list[Any] = []
    signatures = Signatures(lambda headers, query: CALLER, events.append)

    async def kms(*request: Any) -> Answer:
        return answer

    async def serve() -> None:
        body = SIGN_REQUEST.encode()
        assert await signatures.watch(kms)("POST", "/", headers, body, {}) == answer
        signatures.record(service, "POST", "/", headers, body, {}, "request-1", "eu-west-1")

    asyncio.run(serve())
    return events


def test_a_signature_is_recorded_under_the_answers_request_id_and_names_caller_and_key() -> None:
    [found] = recorded((200, {}, json.dumps({"KeyId": KEY_ARN}).encode()))

    event = json.loads(found["CloudTrailEvent"])
    assert found["Resources"] == [{"ResourceType": "AWS::KMS::Key", "ResourceName": KEY_ARN}]
    assert event["requestID"] == "request-1"
    assert event["userIdentity"] == CALLER
    assert event["recipientAccountId"] == "1" * 12
    assert "errorCode" not in event


def test_what_was_signed_is_not_recorded() -> None:
    [found] = recorded((200, {}, json.dumps({"KeyId": KEY_ARN}).encode()))

    assert "c2VjcmV0" not in json.dumps(found)


def test_a_refused_signature_is_recorded_as_refused() -> None:
    [found] = recorded((400, {}, b'{"__type": "DisabledException", "message": "no"}'))

    assert json.loads(found["CloudTrailEvent"])["errorCode"] == "DisabledException"


@pytest.mark.parametrize(
    ("headers", "service"), [({"x-amz-target": "TrentService.Verify"}, "kms"), (SIGN, "dynamodb")]
)
def test_nothing_but_signatures_is_recorded(headers: dict[str, str], service: str) -> None:
    assert recorded((200, {}, b"{}"), headers, service) == []


def events(count: int) -> list[dict[str, Any]]:
    return [
        {"EventName": "Sign", "EventTime": float(number), "Resources": []}
        for number in range(count)
    ]


def test_events_are_found_page_by_page_the_newest_first() -> None:
    request: dict[str, Any] = {}
    pages: list[list[float]] = []
    while not pages or "NextToken" in request:
        answer = look_up(events(120), request)
        pages.append([event["EventTime"] for event in answer["Events"]])
        request = {"NextToken": answer["NextToken"]} if "NextToken" in answer else {}

    assert [len(page) for page in pages] == [50, 50, 20]
    assert [time for page in pages for time in page] == [float(n) for n in reversed(range(120))]


def test_events_are_found_by_time_and_by_attribute() -> None:
    found = look_up(events(9), {"StartTime": 3, "EndTime": 5})["Events"]
    name = {"AttributeKey": "EventName", "AttributeValue": "Verify"}

    assert [event["EventTime"] for event in found] == [5.0, 4.0, 3.0]
    assert look_up(events(9), {"LookupAttributes": [name]}) == {"Events": []}


@pytest.mark.parametrize(("status", "kept"), [(200, 1), (400, 0)])
def test_a_trail_that_is_made_keeps_its_tags(status: int, kept: int) -> None:
    tags = [{"Key": "unit", "Value": "log"}]
    added: list[dict[str, Any]] = []

    def add(body: dict[str, Any]) -> Answer:
        added.append(body)
        return 200, {}, b"{}"

    create = keep_tags(lambda body: (status, {}, b'{"TrailARN": "arn:trail"}'), add)
    assert create({"Name": "ca", "TagsList": tags})[0] == status
    assert added == [{"ResourceId": "arn:trail", "TagsList": tags}] * kept
