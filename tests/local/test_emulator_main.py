"""The two actions of the emulator that we correct."""

import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from local.emulator_main import Answer, complete, keep_truststore

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
