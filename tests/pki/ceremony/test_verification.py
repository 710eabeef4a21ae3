"""Tampering with a transcript, at every place and in every way: each is found and named."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pki.ceremony import documents
from pki.ceremony.planning import plan_bootstrap
from pki.ceremony.transcript import Entry, Event
from pki.ceremony.transcript_store import Retention, StoredEntry, TranscriptBucket
from pki.ceremony.verification import Problem, Verdict, verify
from pki.keys import KeyType, generate
from pki.signer import FileSigner, KmsSigner
from tests.pki.ceremony.support import ORGANIZATION, Account
from tests.pki.support import NOW

type Stored = list[StoredEntry]


class Held:
    """A ceremony that was held, and its transcript."""

    def __init__(self) -> None:
        account = Account()
        self.plan = plan_bootstrap(account.planner(), ["dev"])
        account.execute(self.plan)
        bucket = TranscriptBucket(cast("Any", account.s3), ORGANIZATION)
        self.stored: Stored = list(bucket.entries(self.plan.digest))
        self.signer = KmsSigner(cast("Any", account.kms), ORGANIZATION.transcript_key_alias)

    def verify(self, stored: Stored, *, require_retention: bool = False) -> Verdict:
        key = self.signer.public_key()
        return verify(stored, self.plan.digest, key, NOW, require_retention=require_retention)

    def resigned(self, position: int, **changes: Any) -> Stored:
        """Change an entry as who holds the transcript key could, and chain what follows anew."""
        stored = list(self.stored)
        for at in range(position, len(stored)):
            entry = Entry.from_bytes(stored[at].content)
            if at == position:
                entry = replace(entry, **changes)
            else:
                entry = replace(entry, previous=Entry.from_bytes(stored[at - 1].content).digest)
            stored[at] = replace(stored[at], content=entry.signed_by(self.signer).to_bytes())
        return stored

    def position(self, event: Event) -> int:
        events = [Entry.from_bytes(entry.content).event for entry in self.stored]
        return events.index(event)

    def facts(self, event: Event) -> dict[str, Any]:
        return dict(Entry.from_bytes(self.stored[self.position(event)].content).facts)


HELD = Held()
POSITIONS = range(len(HELD.stored))


@pytest.fixture
def held() -> Held:
    return HELD


def problems(verdict: Verdict) -> set[tuple[Problem, str | None]]:
    return {(finding.problem, finding.where) for finding in verdict.findings}


def kinds(verdict: Verdict) -> set[Problem]:
    return {finding.problem for finding in verdict.findings}


def name(position: int) -> str:
    return f"{position + 1:06}.json"


def test_a_ceremonys_transcript_is_whole(held: Held) -> None:
    verdict = held.verify(held.stored)

    assert verdict.findings == ()
    assert (verdict.outcome, verdict.approver) == ("closed", "bob")
    assert verdict.plan == held.plan


@pytest.mark.parametrize("position", POSITIONS[:-1])
def test_an_entry_taken_out_is_missed(held: Held, position: int) -> None:
    stored = [entry for at, entry in enumerate(held.stored) if at != position]

    assert (Problem.GAP, name(position + 1)) in problems(held.verify(stored))


@pytest.mark.parametrize("position", POSITIONS)
def test_an_entry_taken_out_and_the_rest_renamed_is_found(held: Held, position: int) -> None:
    left = [entry for at, entry in enumerate(held.stored) if at != position]
    stored = [replace(entry, name=name(at)) for at, entry in enumerate(left)]

    assert kinds(held.verify(stored)) & {Problem.SEQUENCE, Problem.UNFINISHED}


@pytest.mark.parametrize("length", POSITIONS)
def test_an_end_cut_off_is_found(held: Held, length: int) -> None:
    assert Problem.UNFINISHED in kinds(held.verify(held.stored[:length]))


@pytest.mark.parametrize("position", POSITIONS[:-1])
def test_two_entries_exchanged_are_found(held: Held, position: int) -> None:
    stored = list(held.stored)
    one, other = stored[position], stored[position + 1]
    stored[position] = replace(one, content=other.content)
    stored[position + 1] = replace(other, content=one.content)

    found = problems(held.verify(stored))
    assert {(Problem.SEQUENCE, name(position)), (Problem.SEQUENCE, name(position + 1))} <= found


@pytest.mark.parametrize("position", POSITIONS)
def test_an_entry_edited_is_found(held: Held, position: int) -> None:
    stored = list(held.stored)
    edited = stored[position].content.replace(b'"operator":"carol"', b'"operator":"mallory"')
    stored[position] = replace(stored[position], content=edited)

    assert (Problem.SIGNATURE, name(position)) in problems(held.verify(stored))


@pytest.mark.parametrize("position", POSITIONS)
def test_an_entry_of_another_key_is_found(held: Held, position: int) -> None:
    entry = Entry.from_bytes(held.stored[position].content)
    forged = entry.signed_by(FileSigner(generate(KeyType.EC_P256)))
    stored = list(held.stored)
    stored[position] = replace(stored[position], content=forged.to_bytes())

    assert (Problem.SIGNATURE, name(position)) in problems(held.verify(stored))


@pytest.mark.parametrize("position", POSITIONS[:-1])
def test_a_signature_made_again_breaks_the_chain(held: Held, position: int) -> None:
    entry = Entry.from_bytes(held.stored[position].content).signed_by(held.signer)
    stored = list(held.stored)
    stored[position] = replace(stored[position], content=entry.to_bytes())

    assert problems(held.verify(stored)) == {(Problem.CHAIN, name(position + 1))}


@pytest.mark.parametrize("position", POSITIONS)
def test_an_entry_cut_short_is_found(held: Held, position: int) -> None:
    stored = list(held.stored)
    stored[position] = replace(stored[position], content=stored[position].content[:-20])

    assert (Problem.MALFORMED, name(position)) in problems(held.verify(stored))


@pytest.mark.parametrize("position", POSITIONS)
def test_white_space_added_is_found(held: Held, position: int) -> None:
    stored = list(held.stored)
    stored[position] = replace(stored[position], content=stored[position].content + b"\n")

    assert (Problem.MALFORMED, name(position)) in problems(held.verify(stored))


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_a_byte_changed_anywhere_is_found(data: st.DataObject) -> None:
    stored = list(HELD.stored)
    position = data.draw(st.integers(0, len(stored) - 1))
    content = bytearray(stored[position].content)
    # What the last object says of its own signature's request is held against CloudTrail alone.
    end = len(content) if position < len(stored) - 1 else content.index(b'"signature_request_id"')
    at = data.draw(st.integers(0, end - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    stored[position] = replace(stored[position], content=bytes(content))

    assert not HELD.verify(stored).is_whole


def test_a_transcript_of_another_plan_is_foreign(held: Held) -> None:
    other = "sha256:" + "0" * 64
    verdict = verify(held.stored, other, held.signer.public_key(), NOW, require_retention=False)

    assert {Problem.FOREIGN, Problem.PLAN} <= kinds(verdict)


def test_another_key_proves_nothing(held: Held) -> None:
    key = generate(KeyType.EC_P256).public_key()
    verdict = verify(held.stored, held.plan.digest, key, NOW, require_retention=False)

    assert verdict.entries == ()
    assert Problem.SIGNATURE in kinds(verdict)


def test_a_file_that_is_no_entry_is_named(held: Held) -> None:
    stored = [*held.stored, StoredEntry("notes.txt", b"hello", None)]

    assert problems(held.verify(stored)) == {(Problem.NAME, "notes.txt")}


def test_an_approval_by_who_asked_is_found(held: Held) -> None:
    approval = held.facts(Event.APPROVED)["approval"] | {"approver": "Alice"}
    position = held.position(Event.APPROVED)

    verdict = held.verify(held.resigned(position, facts={"approval": approval}))
    assert (Problem.APPROVAL, name(position)) in problems(verdict)


def test_a_signature_without_an_approval_is_found(held: Held) -> None:
    position = held.position(Event.APPROVED)

    stored = held.resigned(position, event=Event.FAILED, facts={"error": "none"})
    assert (Problem.APPROVAL, name(held.position(Event.SIGNING))) in problems(held.verify(stored))


def test_a_plan_that_was_exchanged_is_found(held: Held) -> None:
    plan = json.loads(documents.encode(held.facts(Event.OPENED)["plan"])) | {"requester": "eve"}

    verdict = held.verify(held.resigned(0, facts={"plan": plan}))
    assert (Problem.PLAN, name(0)) in problems(verdict)


@pytest.mark.parametrize(
    ("fact", "value", "message"),
    [
        ("fingerprint", "0" * 64, "another fingerprint"),
        ("certificate", "none", "cannot be read"),
        ("draft_sha256", "sha256:" + "0" * 64, "unannounced"),
    ],
)
def test_a_certificate_that_was_exchanged_is_found(
    held: Held, fact: str, value: str, message: str
) -> None:
    position = held.position(Event.SIGNED)
    stored = held.resigned(position, facts=held.facts(Event.SIGNED) | {fact: value})

    messages = [
        finding.message
        for finding in held.verify(stored).findings
        if (finding.problem, finding.where) == (Problem.CERTIFICATE, name(position))
    ]
    assert any(message in found for found in messages)


def test_a_key_left_unlocked_is_found(held: Held) -> None:
    position = held.position(Event.KEY_LOCKED)
    stored = held.resigned(position, event=Event.FAILED, facts={"error": "none"})

    assert Problem.KEY in kinds(held.verify(stored))


def test_a_certificate_that_was_not_stored_is_found(held: Held) -> None:
    position = held.position(Event.STORED)
    facts = held.facts(Event.STORED) | {"fingerprint": "0" * 64}

    verdict = held.verify(held.resigned(position, facts=facts))
    assert "example Root CA G1 was not stored" in verdict.findings[0].message


def test_an_entry_older_than_the_one_before_is_found(held: Held) -> None:
    stored = held.resigned(3, recorded_at=NOW - timedelta(hours=1))

    assert (Problem.TIME, name(3)) in problems(held.verify(stored))


def test_a_signature_after_the_plan_expired_is_found(held: Held) -> None:
    position = held.position(Event.SIGNING)
    late = held.plan.expires_at + timedelta(seconds=1)

    verdict = held.verify(held.resigned(position, recorded_at=late))
    assert (Problem.PLAN, name(position)) in problems(verdict)


def test_entries_after_the_end_are_found(held: Held) -> None:
    last = Entry.from_bytes(held.stored[-1].content)
    further = replace(last, sequence=last.sequence + 1, previous=last.digest)
    stored = [
        *held.stored,
        StoredEntry(further.name, further.signed_by(held.signer).to_bytes(), None),
    ]

    assert problems(held.verify(stored)) == {(Problem.AFTER_END, further.name)}


def locked(stored: Stored, until: timedelta) -> Stored:
    retention = Retention("COMPLIANCE", NOW + until)
    return [replace(entry, retention=retention) for entry in stored]


def test_a_locked_transcript_is_whole(held: Held) -> None:
    assert held.verify(locked(held.stored, timedelta(days=1)), require_retention=True).is_whole


def test_entries_that_are_not_locked_are_found(held: Held) -> None:
    stored = [*locked(held.stored[:-1], timedelta(days=1)), held.stored[-1]]

    verdict = held.verify(stored, require_retention=True)
    assert problems(verdict) == {(Problem.RETENTION, stored[-1].name)}


def test_a_lock_that_ended_is_found(held: Held) -> None:
    verdict = held.verify(locked(held.stored, timedelta(0)), require_retention=True)

    assert kinds(verdict) == {Problem.RETENTION}


def test_an_end_that_cannot_come_any_more_is_abandoned(held: Held) -> None:
    expired = held.plan.expires_at + timedelta(seconds=1)
    cut = held.position(Event.KEY_UNLOCKED)

    assert held.verify(held.stored[:cut]).is_abandoned(expired)
    assert not held.verify(held.stored[:cut]).is_abandoned(NOW)
    assert not held.verify(held.stored[: cut + 1]).is_abandoned(expired)  # the key is unlocked
