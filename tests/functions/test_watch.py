"""The watch: each kind's numbers are published, and what cannot be read is silent and fails."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from clientcert import RegistryRecord, SettingsError
from mtls_watch import handler as module
from mtls_watch.fleet import scan
from mtls_watch.handler import Source, Watch, WatchFailedError, build, run
from pki.expiry import Item, Kind
from tests.functions.support import NOW, RECORD, REGION, REVOKED, LambdaContext, LogLines

DAY = timedelta(days=1)
TABLE = "example-dev-registry"
ENVIRONMENT = {
    "ENVIRONMENT": "dev",
    "REGISTRY_TABLE": TABLE,
    "API_DOMAIN_NAME": "api.dev.example.com",
}


def item(kind: Kind, days: float, name: str = "device-001", *, renewed: bool = False) -> Item:
    return Item(
        kind=kind,
        name=name,
        identifier="a" * 64,
        issuer="CN=issuer",
        begins=NOW - DAY,
        ends=NOW + days * DAY,
        renewed=renewed,
    )


def watch_of(*items: Item, kind: Kind = Kind.LEAF) -> Watch:
    return Watch("dev", (Source((kind,), lambda _: items),))


def unreadable(_: datetime) -> tuple[Item, ...]:
    raise OSError("no answer")


def test_each_threshold_counts_what_has_less_than_its_days(logs: LogLines) -> None:
    items = [item(Kind.LEAF, days) for days in (0.5, 6, 13, 29, 59, 60)]

    run(watch_of(*items), NOW)

    (line,) = logs.metrics("EndingWithin60Days")
    counted = {days: line[f"EndingWithin{days}Days"] for days in (60, 30, 14, 7, 1)}
    assert counted == {60: [5], 30: [4], 14: [3], 7: [2], 1: [1]}
    assert line["DaysToNextExpiry"] == [0.5]


def test_dimensions_are_environment_and_kind_alone(logs: LogLines) -> None:
    run(watch_of(kind=Kind.SERVER), NOW)

    (line,) = logs.metrics("Certificates")
    (definition,) = line["_aws"]["CloudWatchMetrics"]
    assert definition["Namespace"] == "mtls-api"
    assert definition["Dimensions"] == [["Environment", "Kind"]]
    assert (line["Environment"], line["Kind"]) == ("dev", "server")


def test_nothing_that_ends_is_a_count_of_none_and_no_next_expiry(logs: LogLines) -> None:
    run(watch_of(), NOW)

    (line,) = logs.metrics("EndingWithin60Days")
    assert line["EndingWithin60Days"] == [0]
    assert "DaysToNextExpiry" not in line


def test_a_leaf_whose_successor_is_there_is_not_counted(logs: LogLines) -> None:
    run(watch_of(item(Kind.LEAF, 0.5, renewed=True)), NOW)

    (line,) = logs.metrics("EndingWithin1Days")
    assert line["EndingWithin1Days"] == [0]


def test_the_line_names_those_that_end_first(logs: LogLines) -> None:
    items = [item(Kind.LEAF, 100 - number, f"device-{number:03}") for number in range(30)]

    run(watch_of(*items), NOW)

    (line,) = logs.metrics("Certificates")
    names = [entry["name"] for entry in line["soonest"]]
    assert names == [f"device-{number:03}" for number in range(29, 9, -1)]


def test_what_cannot_be_read_publishes_nothing_and_fails_after_the_rest(logs: LogLines) -> None:
    watch = Watch(
        "dev",
        (
            Source((Kind.ISSUING_CA, Kind.TRUSTSTORE), unreadable),
            Source((Kind.LEAF,), lambda _: ()),
        ),
    )

    with pytest.raises(WatchFailedError, match=r"^not watched: issuing-ca, truststore$"):
        run(watch, NOW)

    assert [line["Kind"] for line in logs.metrics("Certificates")] == ["leaf"]
    assert logs.messages("cannot be read")


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_a_setting_that_is_missing_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name}: missing$"):
        build({key: value for key, value in ENVIRONMENT.items() if key != name})


@pytest.fixture
def table(aws_credentials: None) -> Iterator[Any]:
    with mock_aws():
        dynamodb = boto3.client("dynamodb", region_name=REGION)
        dynamodb.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "fingerprint", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "fingerprint", "KeyType": "HASH"}],
        )
        yield dynamodb


def put(dynamodb: Any, *items: Mapping[str, Any]) -> None:
    for entry in items:
        dynamodb.put_item(TableName=TABLE, Item=entry)


def numbered(number: int) -> RegistryRecord:
    return replace(RECORD, fingerprint=f"{number:064x}")


def test_the_whole_registry_is_read_and_claims_are_none_of_it(table: Any) -> None:
    # GIVEN more than one page of a scan, which ends at 1 MB
    filler = {"certificate": {"B": b"x" * 100_000}}
    put(table, *(numbered(number).to_item() | filler for number in range(15)))
    put(
        table,
        {"fingerprint": {"S": "key#abc"}, "claimed_by": {"S": "0" * 64}},
        {"fingerprint": {"S": "client#device-001"}, "revision": {"N": "1"}},
    )

    fleet = scan(table, TABLE)

    assert {record.fingerprint for record in fleet.records} == {
        numbered(number).fingerprint for number in range(15)
    }
    assert fleet.malformed == ()


def test_a_malformed_record_hides_none_of_the_others(table: Any) -> None:
    put(table, RECORD.to_item(), {"fingerprint": {"S": "b" * 64}, "status": {"S": "?"}})

    fleet = scan(table, TABLE)

    assert fleet.records == (RECORD,)
    assert fleet.malformed == ("b" * 64,)


def test_leaves_are_watched_though_there_is_no_domain(table: Any, logs: LogLines) -> None:
    put(table, RECORD.to_item(), replace(REVOKED, fingerprint="c" * 64).to_item())

    with pytest.raises(WatchFailedError, match=r"not watched: .*server"):
        run(build(ENVIRONMENT), NOW)

    (line,) = logs.metrics("Certificates")
    assert (line["Kind"], line["Certificates"]) == ("leaf", [1])
    assert line["soonest"][0]["name"] == "device-001"


def test_lambda_enters_with_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[datetime] = []

    def read(now: datetime) -> tuple[Item, ...]:
        asked.append(now)
        return ()

    monkeypatch.setattr(module, "_watch", lambda: Watch("dev", (Source((Kind.LEAF,), read),)))
    assert "leaf" in module.handler({}, LambdaContext())  # type: ignore[arg-type]
    assert datetime.now(UTC) - asked[0] < timedelta(minutes=1)
