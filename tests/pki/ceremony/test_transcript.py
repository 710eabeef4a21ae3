"""A transcript as it is written: durable, continued, never forked."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pki.ceremony.transcript import Entry, Event, Transcript
from pki.errors import TranscriptError
from tests.pki.ceremony.support import ORGANIZATION, Account, DiedError, Fate, refused

DIGEST = "sha256:" + "ab" * 32
KEY = {"authority": {"environment": None, "generation": "g1"}, "key_id": "alias/root"}


def write(transcript: Transcript) -> None:
    """A run: what it has to say is said, whatever runs before it said."""
    if transcript.is_closed:
        return
    transcript.append(Event.OPENED, plan={})
    transcript.append(Event.KEY_UNLOCKED, **KEY)
    transcript.append(Event.KEY_LOCKED, **KEY)
    transcript.append(Event.CLOSED)


def objects(account: Account) -> list[str]:
    return sorted(key for _, key in account.s3.objects)


def test_each_entry_is_an_object_of_its_own(account: Account) -> None:
    write(account.transcript(DIGEST))

    folder = f"transcripts/{'ab' * 32}"
    assert objects(account) == [f"{folder}/{number:06}.json" for number in range(1, 5)]


def test_an_entry_names_the_object_before_it(account: Account) -> None:
    transcript = account.transcript(DIGEST)
    write(transcript)

    entries = transcript.entries
    assert [entry.previous for entry in entries] == [None, *(e.digest for e in entries[:-1])]


def test_a_transcript_is_read_as_it_was_written(account: Account) -> None:
    transcript = account.transcript(DIGEST)
    write(transcript)

    assert account.transcript(DIGEST).entries == transcript.entries


def test_an_entry_says_what_cloudtrail_calls_its_signature(account: Account) -> None:
    entry = account.transcript(DIGEST).append(Event.OPENED, plan={})

    assert entry.signature_request_id == f"{ORGANIZATION.transcript_key_alias}#1"


def test_nothing_follows_the_end(account: Account) -> None:
    write(account.transcript(DIGEST))

    with pytest.raises(TranscriptError, match="is closed"):
        account.transcript(DIGEST).append(Event.OPENED, plan={})


def test_a_fact_that_is_missing_is_named(account: Account) -> None:
    with pytest.raises(TranscriptError, match="an entry signed lacks certificate, fingerprint"):
        account.transcript(DIGEST).append(
            Event.SIGNED, **KEY, draft_sha256="x", signature_request_id=None
        )


def test_two_runs_at_once_do_not_fork_the_chain(account: Account) -> None:
    one, other = account.transcript(DIGEST), account.transcript(DIGEST)
    one.append(Event.OPENED, plan={})

    with pytest.raises(TranscriptError, match="was written by another run"):
        other.append(Event.OPENED, plan={})
    assert len(objects(account)) == 1


def test_a_lost_answer_to_a_write_that_happened_is_no_error(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = account.s3.put_object

    def repeated(**arguments: Any) -> None:
        put(**arguments)
        put(**arguments)

    monkeypatch.setattr(account.s3, "put_object", repeated)
    write(account.transcript(DIGEST))

    assert account.transcript(DIGEST).is_closed


def test_a_conflict_that_left_nothing_behind_is_told(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def conflict(**_: Any) -> None:
        raise refused("ConditionalRequestConflict", "PutObject")

    monkeypatch.setattr(account.s3, "put_object", conflict)

    with pytest.raises(TranscriptError, match="another run"):
        account.transcript(DIGEST).append(Event.OPENED, plan={})


def test_a_run_killed_at_any_moment_is_continued_to_one_whole_chain(account: Account) -> None:
    moments = 0
    while True:
        account.restore({})
        account.fate.moments_left = moments
        try:
            write(account.transcript(DIGEST))
        except DiedError:
            account.fate = account.s3.fate = account.kms.fate = Fate()
            write(account.transcript(DIGEST))
            entries = account.transcript(DIGEST).entries
            assert entries[-1].event is Event.CLOSED
            assert len({entry.run for entry in entries}) <= 2
            moments += 1
        else:
            break
    assert moments > 4 * 4  # four entries, each signed and stored, dying before and after


def test_a_damaged_transcript_is_not_continued(account: Account) -> None:
    account.transcript(DIGEST).append(Event.OPENED, plan={})
    [name] = account.s3.objects
    account.s3.objects[name] = account.s3.objects[name].replace(b"carol", b"caral")

    with pytest.raises(TranscriptError, match=r"not whole: 000001.json: it is not signed"):
        account.transcript(DIGEST)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_entry_are_refused(data: bytes) -> None:
    with pytest.raises(TranscriptError):
        Entry.from_bytes(data)
