"""Each signature has its object, and each object its signature; what has none is named."""

import gzip
import io
import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pki.ceremony import cloudtrail
from pki.ceremony.cloudtrail import Evidence, Period, SignEvent, look_up, read_bucket, read_folder
from pki.ceremony.planning import plan_bootstrap
from pki.ceremony.reconciliation import (
    Intent,
    Issued,
    Kind,
    Reconciliation,
    intents_in,
    issued_in,
    reconcile,
    unrecorded,
)
from pki.ceremony.transcript import Entry
from pki.errors import TranscriptError, UsageError
from tests.pki.ceremony.support import ACTOR, ORGANIZATION, Account, DiedError, Fate
from tests.pki.support import NOW

SECURITY = ORGANIZATION.security_account_id
ROOT = ORGANIZATION.root("g1").key_alias
ISSUING = ORGANIZATION.issuing("dev", "g1").key_alias
ROOT_ARN = f"arn:aws:kms:eu-west-1:{SECURITY}:key/root"
LATER = NOW + timedelta(hours=1)
ADMINISTRATOR = f"arn:aws:sts::{SECURITY}:assumed-role/administrator/mallory"


def record(request_id: str, at: datetime = NOW, **changes: Any) -> dict[str, Any]:
    """A real event's shape: https://docs.aws.amazon.com/kms/latest/developerguide/ct-sign.html."""
    return {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": "AROAEXAMPLE:pki-carol",
            "arn": ACTOR.caller_arn,
            "accountId": SECURITY,
            "accessKeyId": "ASIAEXAMPLE",
        },
        "eventTime": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": "kms.amazonaws.com",
        "eventName": "Sign",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "192.0.2.1",
        "userAgent": "Boto3",
        "requestParameters": {
            "keyId": ROOT,
            "messageType": "DIGEST",
            "signingAlgorithm": "ECDSA_SHA_256",
        },
        "responseElements": None,
        "requestID": request_id,
        "eventID": f"event-{request_id}",
        "readOnly": True,
        "resources": [{"accountId": SECURITY, "type": "AWS::KMS::Key", "ARN": ROOT_ARN}],
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": SECURITY,
        "eventCategory": "Management",
    } | changes


def event(request_id: str, at: datetime = NOW) -> SignEvent:
    arn = f"arn:aws:kms:eu-west-1:{SECURITY}:key/{request_id.partition('#')[0]}"
    return SignEvent(
        event_id=f"event-{request_id}",
        request_id=request_id,
        at=at,
        principal=ACTOR.caller_arn,
        account_id=SECURITY,
        key_id=request_id.partition("#")[0],
        key_arn=arn,
        error=None,
    )


def evidence(*events: SignEvent, start: datetime = NOW, end: datetime = LATER) -> Evidence:
    return Evidence(events, Period(start - timedelta(days=1), end))


def compare(
    events: Evidence,
    issued: list[Issued] | None = None,
    intents: list[Intent] | None = None,
    now: datetime = LATER,
) -> Reconciliation:
    return reconcile(
        [events], issued or [], intents or [], account_id=SECURITY, aliases={}, now=now
    )


def of_account(account: Account) -> list[SignEvent]:
    """What CloudTrail shows of everything that the account's keys signed."""
    return [
        event(f"{alias}#{number}")
        for alias, key in account.kms.keys.items()
        for number in range(1, len(key.signed) + 1)
    ]


def transcript_of(account: Account, digest: str) -> tuple[Entry, ...]:
    return account.transcript(digest).entries


def compare_ceremony(account: Account, digest: str, *further: SignEvent) -> Reconciliation:
    entries = transcript_of(account, digest)
    return compare(
        evidence(*of_account(account), *further),
        list(issued_in(entries, ORGANIZATION.transcript_key_alias)),
        list(intents_in(entries, ORGANIZATION.transcript_key_alias)),
    )


@pytest.fixture
def digest(account: Account) -> str:
    plan = plan_bootstrap(account.planner(), ["dev"])
    account.execute(plan)
    return plan.digest


def test_every_signature_of_a_ceremony_has_its_object(account: Account, digest: str) -> None:
    found = compare_ceremony(account, digest)

    assert found.is_complete
    assert found.matched == len(of_account(account))
    assert not found.interrupted


def test_a_signature_that_nothing_explains_is_named(account: Account, digest: str) -> None:
    stray = replace(event("stray"), principal=ADMINISTRATOR, key_id=ROOT, key_arn=ROOT_ARN)
    found = compare_ceremony(account, digest, stray)

    assert found.unexplained == (stray,)
    assert not found.is_complete


def test_a_signature_with_any_key_of_the_account_counts() -> None:
    other = replace(event("1"), key_id="some-key", key_arn="arn:aws:kms:eu-west-1:1:key/other")

    assert compare(evidence(other)).unexplained == (other,)


def test_a_signature_in_another_account_does_not_count() -> None:
    assert compare(evidence(replace(event("1"), account_id="222222222222"))).is_complete


def test_a_refused_signature_is_told_and_needs_no_object() -> None:
    refused = replace(event("1"), key_arn=None, error="AccessDenied")
    found = compare(evidence(refused))

    assert found.refused == (refused,)
    assert found.is_complete


def test_an_event_from_two_sources_counts_once() -> None:
    found = reconcile(
        [evidence(event("1")), evidence(event("1"))],
        [],
        [],
        account_id=SECURITY,
        aliases={},
        now=LATER,
    )

    assert len(found.unexplained) == 1


def certificate(request_id: str | None, at: datetime = NOW) -> Issued:
    return Issued(Kind.CERTIFICATE, "dev/device-001", ISSUING, request_id, at)


@pytest.mark.parametrize("proven", [ISSUING, None], ids=["another key's", "nothing"])
def test_a_use_of_the_roots_key_is_not_explained_by_a_record_that_names_it(
    proven: str | None,
) -> None:
    root = replace(event("1"), key_id=ROOT, key_arn=ROOT_ARN)

    found = compare(evidence(root), [replace(certificate("1"), key_id=proven)])

    assert (found.unexplained, found.matched) == ((root,), 0)


def test_a_signature_by_its_own_key_is_explained_by_its_object_however_the_key_was_named() -> None:
    arn = f"arn:aws:kms:eu-west-1:{SECURITY}:key/issuing"
    named = replace(event("1"), key_id=arn, key_arn=arn)

    found = reconcile(
        [evidence(named)],
        [certificate("1")],
        [],
        account_id=SECURITY,
        aliases={arn: ISSUING},
        now=LATER,
    )

    assert (found.unexplained, found.matched) == ((), 1)


def test_an_object_whose_signature_is_not_shown_is_missing() -> None:
    found = compare(evidence(), [certificate("1")])

    assert found.missing == (certificate("1"),)
    assert not found.is_complete


def test_an_object_of_the_last_quarter_of_an_hour_may_not_show_yet() -> None:
    found = compare(evidence(), [certificate("1")], now=NOW + timedelta(minutes=14))

    assert found.pending == (certificate("1"),)
    assert found.is_complete


def test_an_object_from_before_the_events_is_not_missing() -> None:
    old = certificate("1", NOW - timedelta(days=91))
    found = compare(evidence(), [old])

    assert found.uncovered == (old,)
    assert found.is_complete


def test_an_object_that_names_no_signature_is_told() -> None:
    assert compare(evidence(), [certificate(None)]).untraced == (certificate(None),)


def intent(at: datetime = NOW) -> Intent:
    return Intent("abc/000005.json", ROOT, ACTOR.caller_arn, at)


def signed_with_root(at: datetime = NOW) -> SignEvent:
    return replace(event("lost", at), key_id=ROOT, key_arn=ROOT_ARN)


def test_an_interrupted_run_explains_its_signature() -> None:
    found = compare(evidence(signed_with_root()), intents=[intent()])

    assert found.interrupted == ((signed_with_root(), intent()),)
    assert found.is_complete
    assert found.matched == 0


def test_an_intent_explains_one_signature() -> None:
    second = replace(signed_with_root(), event_id="z-second", request_id="second")
    found = compare(evidence(signed_with_root(), second), intents=[intent()])

    assert found.unexplained == (second,)


@pytest.mark.parametrize(
    "changes",
    [
        {"at": NOW + timedelta(minutes=6)},
        {"at": NOW - timedelta(minutes=2)},
        {"principal": ADMINISTRATOR},
        {"key_id": "alias/other", "key_arn": "arn:aws:kms:eu-west-1:111111111111:key/other"},
    ],
    ids=["too late", "too early", "another caller", "another key"],
)
def test_an_intent_explains_nothing_else(changes: dict[str, Any]) -> None:
    other = replace(signed_with_root(), **changes)

    assert compare(evidence(other), intents=[intent()]).unexplained == (other,)


def test_a_key_named_by_its_arn_is_known_by_its_alias() -> None:
    named = replace(signed_with_root(), key_id=ROOT_ARN)
    found = reconcile(
        [evidence(named)],
        [],
        [intent()],
        account_id=SECURITY,
        aliases={ROOT_ARN: ROOT},
        now=LATER,
    )

    assert found.is_complete


def test_a_ceremony_killed_at_any_moment_leaves_no_signature_unexplained() -> None:
    account = Account()
    plan = plan_bootstrap(account.planner(), ["dev"])
    before, moments, interrupted = dict(account.s3.objects), 0, 0
    while True:
        account.restore(before)
        account.fate.moments_left = moments
        try:
            account.execute(plan)
        except DiedError:
            account.fate = account.s3.fate = account.kms.fate = Fate()
            account.execute(plan)
            found = compare_ceremony(account, plan.digest)
            # A run that died before its first entry was there has said nothing of what it did.
            assert all(map(_is_first_entry, found.unexplained)), moments
            interrupted += len(found.interrupted)
            moments += 1
        else:
            break
    assert interrupted > 0


def _is_first_entry(signature: SignEvent) -> bool:
    return signature.request_id == f"{ORGANIZATION.transcript_key_alias}#1"


def test_a_ca_certificate_without_a_transcript_is_named(account: Account, digest: str) -> None:
    entries = transcript_of(account, digest)
    recorded = {
        str(entry.facts["fingerprint"]): str(entry.facts["fingerprint"])
        for entry in entries
        if "certificate" in entry.facts
    }

    assert unrecorded({**recorded, "s3://ca/root/g9.pem": "0" * 64}, [entries]) == (
        "s3://ca/root/g9.pem",
    )


# --- What CloudTrail says


def write_log(path: Path, *records: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = json.dumps({"Records": records}).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def test_files_are_read_however_deep_packed_or_not(tmp_path: Path) -> None:
    folder = tmp_path / "AWSLogs" / SECURITY / "CloudTrail" / "eu-west-1"
    write_log(folder / "2026" / "11" / "24" / "a.json.gz", record("1"))
    write_log(folder / "2026" / "11" / "25" / "b.json", record("2", NOW + timedelta(days=1)))

    found = read_folder(tmp_path)

    assert {entry.request_id for entry in found.events} == {"1", "2"}
    assert found.period == Period(NOW, NOW + timedelta(days=1))


def test_an_event_tells_who_signed_with_which_key(tmp_path: Path) -> None:
    write_log(tmp_path / "a.json", record("1"))

    [found] = read_folder(tmp_path).events
    assert found == SignEvent(
        event_id="event-1",
        request_id="1",
        at=NOW,
        principal=ACTOR.caller_arn,
        account_id=SECURITY,
        key_id=ROOT,
        key_arn=ROOT_ARN,
        error=None,
    )


def test_events_of_other_kinds_say_only_which_time_is_covered(tmp_path: Path) -> None:
    write_log(
        tmp_path / "a.json",
        record("1", NOW - timedelta(hours=1), eventName="Verify"),
        record("2", eventSource="s3.amazonaws.com"),
    )

    assert read_folder(tmp_path) == Evidence((), Period(NOW - timedelta(hours=1), NOW))


def test_a_refused_event_has_its_error(tmp_path: Path) -> None:
    write_log(tmp_path / "a.json", record("1", errorCode="AccessDenied", resources=None))

    [found] = read_folder(tmp_path).events
    assert (found.error, found.key_arn) == ("AccessDenied", None)


def test_digest_files_are_no_events(tmp_path: Path) -> None:
    write_log(tmp_path / "a.json", record("1"))
    (tmp_path / "CloudTrail-Digest").mkdir()
    (tmp_path / "CloudTrail-Digest" / "d.json").write_text("{}")

    assert len(read_folder(tmp_path).events) == 1


def test_a_folder_without_events_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no file of CloudTrail"):
        read_folder(tmp_path)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"Records": 1}', b'{"Records": [{}]}', b"\xff"])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)

    with pytest.raises(TranscriptError, match=r"a\.json"):
        read_folder(tmp_path)


def test_a_damaged_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(b'{"Records": []}')[:-9])

    with pytest.raises(TranscriptError, match=r"a\.json\.gz is damaged"):
        read_folder(tmp_path)


@given(st.binary(max_size=100))
def test_no_content_is_read_wrongly(content: bytes) -> None:
    for name in ("a.json", "a.json.gz"):
        with pytest.raises(TranscriptError):
            cloudtrail._records(name, content)


class Pages:
    """A client whose paginator answers with these pages."""

    def __init__(self, *pages: dict[str, Any], objects: dict[str, bytes] | None = None) -> None:
        self.pages, self.objects = pages, objects or {}

    def get_paginator(self, operation: str) -> Any:
        return self

    def paginate(self, **_: Any) -> Any:
        return self.pages

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        return {"Body": io.BytesIO(self.objects[Key])}


def test_every_page_of_a_lookup_is_read() -> None:
    pages = [
        {"Events": [{"EventId": "x", "CloudTrailEvent": json.dumps(record(request_id))}]}
        for request_id in ("1", "2")
    ]
    found = look_up(cast("Any", Pages(*pages)), NOW)

    assert [entry.request_id for entry in found.events] == ["1", "2"]
    assert found.period == Period(NOW - timedelta(days=90), NOW)


def test_files_below_a_prefix_are_read() -> None:
    content = gzip.compress(json.dumps({"Records": [record("1")]}).encode())
    keys = ["AWSLogs/1/CloudTrail/a.json.gz", "AWSLogs/1/CloudTrail-Digest/b.json.gz"]
    s3 = Pages({"Contents": [{"Key": key} for key in keys]}, objects={keys[0]: content})

    found = read_bucket(cast("Any", s3), "s3://example-cloudtrail/AWSLogs/")
    assert [entry.request_id for entry in found.events] == ["1"]
