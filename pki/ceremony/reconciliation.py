"""Holding CloudTrail against what was issued: each signature has its object, each object its one.

An object names its signature, and explains it only where the key is the one that signs such an
object: else whoever may write a record of a client could explain a use of the root's key with it.

An interrupted ceremony may have asked for a signature and never seen the answer: its transcript
says that it was about to. Such a signature is explained by that intent, within a few minutes of it,
by the same caller, with the same key, and one signature for each intent. It is told apart from
those that have an object.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pki.ceremony.cloudtrail import DELIVERY_DELAY, Evidence, SignEvent
from pki.ceremony.transcript import Entry, Event

INTENT_WINDOW = timedelta(minutes=5)
"""A keeper that has not answered by then will not: the client's own limit is one minute."""

_CLOCK_SKEW = timedelta(minutes=1)


class Kind(StrEnum):
    """What a CA key or the transcript key signs."""

    CA_CERTIFICATE = "CA certificate"
    CERTIFICATE = "client certificate"
    CRL = "CRL"
    TRANSCRIPT = "transcript entry"


@dataclass(frozen=True, slots=True)
class Issued:
    """Something that was signed.

    Attributes:
        kind: what.
        name: which one.
        key_id: alias of the key whose signature it carries; None where it does not prove any.
        request_id: what the keeper's log calls the signature; None where there is no such log.
        at: when, UTC, as far as the object says.
    """

    kind: Kind
    name: str
    key_id: str | None
    request_id: str | None
    at: datetime

    def explains(self, event: SignEvent, aliases: Mapping[str, str]) -> bool:
        """Whether the event is the signature that it carries.

        Args:
            event: a signature.
            aliases: ARN of a key to its alias.
        """
        return self.request_id == event.request_id and self.key_id in _names(event, aliases)


@dataclass(frozen=True, slots=True)
class Intent:
    """A signature that was about to be asked for, by a run that was interrupted.

    Attributes:
        name: the transcript's entry that says so.
        key_id: which key was to sign.
        caller_arn: for whom.
        at: when.
    """

    name: str
    key_id: str
    caller_arn: str
    at: datetime

    def explains(self, event: SignEvent, aliases: Mapping[str, str]) -> bool:
        """Whether the event may be that signature.

        Args:
            event: a signature that no object has.
            aliases: ARN of a key to its alias.
        """
        return (
            self.key_id in _names(event, aliases)
            and event.principal == self.caller_arn
            and self.at - _CLOCK_SKEW <= event.at <= self.at + INTENT_WINDOW
        )


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """How the two compare.

    Attributes:
        matched: how many signatures have their object.
        interrupted: signatures that an interrupted run explains, and how.
        unexplained: signatures that nothing explains.
        refused: signatures that KMS refused to make.
        missing: objects whose signature CloudTrail should show and does not.
        pending: objects whose signature CloudTrail may not show yet.
        untraced: objects that do not say which signature is theirs.
        uncovered: objects from outside of the time that the events cover.
    """

    matched: int
    interrupted: tuple[tuple[SignEvent, Intent], ...]
    unexplained: tuple[SignEvent, ...]
    refused: tuple[SignEvent, ...]
    missing: tuple[Issued, ...]
    pending: tuple[Issued, ...]
    untraced: tuple[Issued, ...]
    uncovered: tuple[Issued, ...]

    @property
    def is_complete(self) -> bool:
        """Whether every signature and every object is accounted for."""
        return not self.unexplained and not self.missing


def reconcile(
    evidence: Sequence[Evidence],
    issued: Iterable[Issued],
    intents: Iterable[Intent],
    *,
    account_id: str,
    aliases: Mapping[str, str],
    now: datetime,
) -> Reconciliation:
    """Compare every signature in an account with what was issued.

    Args:
        evidence: what CloudTrail says; the same event from two sources counts once.
        issued: every object that a key of the account signed.
        intents: what interrupted runs were about to sign.
        account_id: the security account. Every ``kms:Sign`` in it counts, whichever key.
        aliases: ARN of a key to its alias.
        now: the time, UTC.
    """
    seen = {event.event_id: event for source in evidence for event in source.events}
    events = sorted(
        (event for event in seen.values() if event.account_id == account_id),
        key=lambda event: (event.at, event.event_id),
    )
    refused = tuple(event for event in events if event.error is not None)
    made = [event for event in events if event.error is None]
    objects = tuple(issued)
    known: dict[str | None, list[Issued]] = defaultdict(list)
    for entry in objects:
        known[entry.request_id].append(entry)
    left = [
        event
        for event in made
        if not any(entry.explains(event, aliases) for entry in known[event.request_id])
    ]
    interrupted, unexplained = _explain(left, list(intents), aliases)
    shown = {event.request_id for event in made}
    absent = [
        entry for entry in objects if entry.request_id is not None and entry.request_id not in shown
    ]
    covered = [entry for entry in absent if _is_covered(entry.at, evidence)]
    late = {entry for entry in covered if entry.at > now - DELIVERY_DELAY}
    return Reconciliation(
        matched=len(made) - len(left),
        interrupted=tuple(interrupted),
        unexplained=tuple(unexplained),
        refused=refused,
        missing=tuple(entry for entry in covered if entry not in late),
        pending=tuple(entry for entry in covered if entry in late),
        untraced=tuple(entry for entry in objects if entry.request_id is None),
        uncovered=tuple(entry for entry in absent if not _is_covered(entry.at, evidence)),
    )


def issued_in(entries: Sequence[Entry], transcript_key: str) -> Iterator[Issued]:
    """What a transcript proves to have been signed: its certificates, and its entries.

    Args:
        entries: the transcript.
        transcript_key: the transcript key's alias.
    """
    for entry in entries:
        name, request_id = _name(entry), entry.signature_request_id
        yield Issued(Kind.TRANSCRIPT, name, transcript_key, request_id, entry.recorded_at)
        if entry.event is Event.SIGNED:
            fingerprint, key_id = str(entry.facts["fingerprint"]), str(entry.facts["key_id"])
            request_id = entry.facts["signature_request_id"]
            yield Issued(Kind.CA_CERTIFICATE, fingerprint, key_id, request_id, entry.recorded_at)


def intents_in(entries: Sequence[Entry], transcript_key: str) -> Iterator[Intent]:
    """What interrupted runs of a transcript were about to sign.

    Args:
        entries: the transcript.
        transcript_key: the transcript key's alias. A run that died after an entry may have signed
            the next one already.
    """
    following: list[Entry | None] = [*entries[1:], None]
    for entry, after in zip(entries, following, strict=True):
        goes_on = after is not None and after.run == entry.run
        if entry.event is Event.SIGNING and not (
            goes_on and after is not None and after.event is Event.SIGNED
        ):
            yield _intent(entry, str(entry.facts["key_id"]))
        if not goes_on and entry.event is not Event.CLOSED:
            yield _intent(entry, transcript_key)


def unrecorded(
    certificates: Mapping[str, str], transcripts: Iterable[Sequence[Entry]]
) -> tuple[str, ...]:
    """The CA certificates that no transcript has.

    Args:
        certificates: location of each to its fingerprint.
        transcripts: every transcript's entries.
    """
    recorded = {
        entry.facts["fingerprint"]
        for entries in transcripts
        for entry in entries
        if entry.event is Event.SIGNED
    }
    return tuple(
        location for location, fingerprint in certificates.items() if fingerprint not in recorded
    )


def _explain(
    events: Sequence[SignEvent], intents: list[Intent], aliases: Mapping[str, str]
) -> tuple[list[tuple[SignEvent, Intent]], list[SignEvent]]:
    explained: list[tuple[SignEvent, Intent]] = []
    unexplained: list[SignEvent] = []
    for event in events:
        intent = next((entry for entry in intents if entry.explains(event, aliases)), None)
        if intent is None:
            unexplained.append(event)
        else:
            intents.remove(intent)
            explained.append((event, intent))
    return explained, unexplained


def _names(event: SignEvent, aliases: Mapping[str, str]) -> set[str | None]:
    """What the event's key is called; never None, which an object without a key has."""
    return {event.key_id, event.key_arn, aliases.get(event.key_arn or "")} - {None}


def _is_covered(moment: datetime, evidence: Iterable[Evidence]) -> bool:
    return any(source.period is not None and source.period.covers(moment) for source in evidence)


def _intent(entry: Entry, key_id: str) -> Intent:
    return Intent(_name(entry), key_id, entry.actor.caller_arn, entry.recorded_at)


def _name(entry: Entry) -> str:
    return f"{entry.plan.removeprefix('sha256:')}/{entry.name}"
