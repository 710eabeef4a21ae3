"""The watch on the platform: what ends there is in its metrics, by name."""

import json
import time
from typing import Any

import pytest

from pki.expiry import THRESHOLD_DAYS, Kind
from tests.support import DEV, ORGANIZATION, Platform

pytestmark = pytest.mark.platform

FUNCTION = f"{DEV.prefix}-watch"


@pytest.fixture(scope="module")
def lines(platform: Platform) -> dict[str, dict[str, Any]]:
    """What one run of the watch logged in the embedded metric format, by kind."""
    platform.provision("watched")
    begin = int(time.time() * 1000)
    answer = platform.aws("lambda", DEV.account_id).invoke(FunctionName=FUNCTION, Payload=b"{}")
    assert "FunctionError" not in answer, answer["Payload"].read()
    pages = platform.aws("logs", DEV.account_id).get_paginator("filter_log_events")
    found = pages.paginate(logGroupName=f"/aws/lambda/{FUNCTION}", startTime=begin)
    messages = [event["message"].strip() for page in found for event in page["events"]]
    documents = [json.loads(message) for message in messages if message.startswith('{"_aws"')]
    return {document["Kind"]: document for document in documents}


def test_every_kind_is_published_with_every_threshold(lines: dict[str, dict[str, Any]]) -> None:
    assert set(lines) == set(Kind)
    for line in lines.values():
        assert line["Environment"] == DEV.name
        assert {f"EndingWithin{days}Days" for days in THRESHOLD_DAYS} <= set(line)


def test_the_environments_own_certificates_are_named(
    platform: Platform, lines: dict[str, dict[str, Any]]
) -> None:
    listed = json.loads(platform.run("list-clients", "--environment", "dev", "--json").stdout)
    clients = {entry["client_id"] for entry in listed["certificates"]}
    named = {kind: {entry["name"] for entry in line["soonest"]} for kind, line in lines.items()}
    assert named[Kind.LEAF]
    assert named[Kind.LEAF] <= clients
    assert any("Issuing CA" in name for name in named[Kind.ISSUING_CA])
    assert any("Root CA" in name for name in named[Kind.ROOT_CA])
    assert named[Kind.TRUSTSTORE] >= named[Kind.ISSUING_CA] | named[Kind.ROOT_CA]
    assert named[Kind.SERVER] == {ORGANIZATION.api_domain_name(DEV)}


def test_each_alarm_is_on_a_metric_that_is_published(
    platform: Platform, lines: dict[str, dict[str, Any]]
) -> None:
    alarms = platform.aws("cloudwatch", DEV.account_id).describe_alarms(AlarmNamePrefix=FUNCTION)
    watched = alarms["MetricAlarms"]
    assert len(watched) == len(Kind) * len(THRESHOLD_DAYS)
    for alarm in watched:
        dimensions = {entry["Name"]: entry["Value"] for entry in alarm["Dimensions"]}
        line = lines[dimensions["Kind"]]
        (published,) = line["_aws"]["CloudWatchMetrics"]
        assert alarm["Namespace"] == published["Namespace"]
        assert set(dimensions) == set(published["Dimensions"][0])
        assert alarm["MetricName"] in line
