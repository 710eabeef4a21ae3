"""A ceremony's transcript: entries written as it happens, each chained to the one before.

An entry is an object of its own, ``transcripts/<plan digest>/<000001>.json``, in a bucket where
objects are locked. It is written only where none is (``If-None-Match: *``), so that two runs cannot
fork the chain, and it is signed by the transcript key, so that nobody else can continue it. It
names the SHA-256 of the object before it, so that nothing between can be changed or taken out.

Every entry carries the run that wrote it: where the run changes, the one before was interrupted.
"""

import base64
import binascii
import hashlib
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from importlib import metadata
from typing import TYPE_CHECKING, Any, Protocol, Self

from cryptography.hazmat.primitives import hashes

from pki.ceremony import documents
from pki.ceremony.transcript_store import StoredEntry
from pki.errors import TranscriptError
from pki.keys import PublicKey, signature_hash, verifies
from pki.signer import Signer

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient

VERSION = 1
_DISTRIBUTION = "aws-api-gateway-mtls"
_NAME = re.compile(r"[0-9]{6}\.json")
_ENVELOPE_FIELDS = frozenset({"entry", "signature", "signature_request_id"})
_ENTRY_FIELDS = frozenset(
    {
        *("version", "plan", "sequence", "previous", "event"),
        *("recorded_at", "run", "actor", "facts"),
    }
)
_ACTOR_FIELDS = frozenset({"operator", "caller_arn", "tool_version"})


class Event(StrEnum):
    """What happened, and the facts that its entry must have."""

    OPENED = "opened"
    APPROVED = "approved"
    KEY_UNLOCKED = "key-unlocked"
    SIGNING = "signing"
    SIGNED = "signed"
    STORED = "stored"
    KEY_LOCKED = "key-locked"
    CLOSED = "closed"
    FAILED = "failed"

    @property
    def facts(self) -> frozenset[str]:
        """Names of the facts that an entry of this event has, beside any further ones."""
        return _FACTS[self]


_KEY = frozenset({"authority", "key_id"})
_SIGNING = _KEY | {"draft_sha256"}
_FACTS: dict[Event, frozenset[str]] = {
    Event.OPENED: frozenset({"plan"}),  # the whole plan, as CeremonyPlan.to_document gives it
    Event.APPROVED: frozenset({"approval"}),  # the whole approval, as its file holds it
    Event.KEY_UNLOCKED: _KEY,
    Event.SIGNING: _SIGNING,  # authority: whose certificate; key_id: the key that is to sign
    Event.SIGNED: _SIGNING | {"fingerprint", "certificate", "signature_request_id"},
    Event.STORED: frozenset({"authority", "fingerprint", "location"}),
    Event.KEY_LOCKED: _KEY,
    Event.CLOSED: frozenset(),
    Event.FAILED: frozenset({"error"}),
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who writes, and with what.

    Attributes:
        operator: who is at the keyboard.
        caller_arn: whom AWS sees.
        tool_version: version of this package.
    """

    operator: str
    caller_arn: str
    tool_version: str

    @classmethod
    def of(cls, sts: "STSClient", operator: str) -> Self:
        """The caller of a session."""
        return cls(operator, sts.get_caller_identity()["Arn"], metadata.version(_DISTRIBUTION))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry.

    Attributes:
        plan: digest of the plan, ``sha256:<hex>``.
        sequence: from 1.
        previous: digest of the object before; None for the first.
        event: what happened.
        recorded_at: when, UTC, to the second.
        run: which run wrote it: 32 hexadecimal digits.
        actor: who.
        facts: what else there is to know, in JSON's types.
        signature: by the transcript key, over the SHA-256 of the entry's canonical form.
        signature_request_id: what CloudTrail calls that signature.
    """

    plan: str
    sequence: int
    previous: str | None
    event: Event
    recorded_at: datetime
    run: str
    actor: Actor
    facts: Mapping[str, Any]
    signature: bytes = b""
    signature_request_id: str | None = None

    @property
    def name(self) -> str:
        """The object's name within its transcript."""
        return f"{self.sequence:06}.json"

    @property
    def digest(self) -> str:
        """Digest of the object, which the next entry names."""
        return f"sha256:{hashlib.sha256(self.to_bytes()).hexdigest()}"

    def signed_by(self, signer: Signer) -> Self:
        """This entry with a signature.

        Raises:
            KeyKeeperError: the keeper will not sign.
        """
        algorithm = signature_hash(signer.public_key())
        kept = signer.sign_digest(_hash(self._signed_bytes(), algorithm), algorithm)
        return replace(self, signature=kept.signature, signature_request_id=kept.request_id)

    def is_signed_by(self, key: PublicKey) -> bool:
        """Whether the signature is one of this key over this entry."""
        return verifies(key, self.signature, self._signed_bytes(), signature_hash(key))

    def to_bytes(self) -> bytes:
        """The object: canonical JSON of the entry and its signature."""
        return documents.encode(
            {
                "entry": self._document(),
                "signature": base64.b64encode(self.signature).decode("ascii"),
                "signature_request_id": self.signature_request_id,
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what :meth:`to_bytes` wrote.

        Raises:
            TranscriptError: it is anything else; the message names what is wrong.
        """
        try:
            entry = cls._read(documents.decode(data, TranscriptError))
            canonical = entry.to_bytes()
        except UnicodeEncodeError as error:
            raise TranscriptError(f"it holds text that is no Unicode: {error.reason}") from error
        if canonical != data:
            raise TranscriptError("it is not as it was written")
        return entry

    @classmethod
    def _read(cls, document: object) -> Self:
        envelope = documents.fields(document, _ENVELOPE_FIELDS, "the object", TranscriptError)
        values = documents.fields(envelope["entry"], _ENTRY_FIELDS, "the entry", TranscriptError)
        if values["version"] != VERSION:
            raise TranscriptError(f"version {VERSION} expected, found {values['version']!r}")
        event = _event(values["event"])
        sequence, facts = values["sequence"], values["facts"]
        if not isinstance(sequence, int) or isinstance(sequence, bool):
            raise TranscriptError(f"sequence: a number expected, found {sequence!r}")
        _require_facts(event, facts)
        actor = documents.fields(values["actor"], _ACTOR_FIELDS, "the actor", TranscriptError)
        return cls(
            plan=_text(values["plan"], "plan"),
            sequence=sequence,
            previous=None if values["previous"] is None else _text(values["previous"], "previous"),
            event=event,
            recorded_at=documents.moment(values["recorded_at"], "recorded_at", TranscriptError),
            run=_text(values["run"], "run"),
            actor=Actor(**{name: _text(value, name) for name, value in actor.items()}),
            facts=facts,
            signature=_base64(envelope["signature"]),
            signature_request_id=_request_id(envelope["signature_request_id"]),
        )

    def _signed_bytes(self) -> bytes:
        return documents.encode(self._document())

    def _document(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "plan": self.plan,
            "sequence": self.sequence,
            "previous": self.previous,
            "event": self.event.value,
            "recorded_at": documents.timestamp(self.recorded_at),
            "run": self.run,
            "actor": {
                "operator": self.actor.operator,
                "caller_arn": self.actor.caller_arn,
                "tool_version": self.actor.tool_version,
            },
            "facts": dict(self.facts),
        }


class TranscriptStore(Protocol):
    """Keeps transcripts, and never replaces an entry."""

    def location(self, plan_digest: str) -> str:
        """Where a transcript lies, in words."""
        ...

    def entries(self, plan_digest: str) -> tuple[StoredEntry, ...]:
        """A transcript's entries by name; empty when there is none."""
        ...

    def put(self, plan_digest: str, name: str, content: bytes) -> None:
        """Write an entry; one that is there stays there.

        Raises:
            TranscriptError: another entry of this name is there.
        """
        ...


class Transcript:
    """A plan's transcript, open for writing.

    Example:
        >>> transcript = Transcript.open(store, signer, plan.digest, actor=actor, now=now)
        >>> transcript.append(Event.OPENED, plan=plan.to_document())
    """

    def __init__(
        self,
        store: TranscriptStore,
        signer: Signer,
        plan_digest: str,
        *,
        actor: Actor,
        now: Callable[[], datetime],
        entries: Sequence[Entry],
    ) -> None:
        """Go on after these entries; use :meth:`open`."""
        self._store = store
        self._signer = signer
        self._plan_digest = plan_digest
        self._actor = actor
        self._now = now
        self._entries = list(entries)
        self._run = uuid.uuid4().hex

    @classmethod
    def open(
        cls,
        store: TranscriptStore,
        signer: Signer,
        plan_digest: str,
        *,
        actor: Actor,
        now: Callable[[], datetime],
    ) -> Self:
        """Begin a plan's transcript, or go on with it. Nothing is written yet.

        Raises:
            TranscriptError: what is there is not whole: it is not continued.
            KeyKeeperError: there is no transcript key.
        """
        entries = read_chain(store.entries(plan_digest), plan_digest, signer.public_key())
        return cls(store, signer, plan_digest, actor=actor, now=now, entries=entries)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What was recorded, by this run and those before it."""
        return tuple(self._entries)

    @property
    def location(self) -> str:
        """Where it lies."""
        return self._store.location(self._plan_digest)

    @property
    def is_closed(self) -> bool:
        """Whether the ceremony has ended, so that nothing can be added."""
        return bool(self._entries) and self._entries[-1].event is Event.CLOSED

    def append(self, event: Event, **facts: Any) -> Entry:
        """Record what happened; it is durable when this returns.

        Args:
            event: what.
            facts: those that :attr:`Event.facts` names, and any others, in JSON's types.

        Raises:
            TranscriptError: a fact is missing, the transcript is closed, or another run writes to
                it at the same time.
            KeyKeeperError: the transcript key does not sign.
        """
        _require_facts(event, facts)
        if self.is_closed:
            raise TranscriptError(f"{self.location} is closed: nothing can be added")
        last = self._entries[-1] if self._entries else None
        entry = Entry(
            plan=self._plan_digest,
            sequence=len(self._entries) + 1,
            previous=None if last is None else last.digest,
            event=event,
            recorded_at=self._now().astimezone(UTC).replace(microsecond=0),
            run=self._run,
            actor=self._actor,
            facts=facts,
        ).signed_by(self._signer)
        self._store.put(self._plan_digest, entry.name, entry.to_bytes())
        self._entries.append(entry)
        return entry


def read_chain(
    stored: Sequence[StoredEntry], plan_digest: str, key: PublicKey
) -> tuple[Entry, ...]:
    """Read a transcript's entries, each of which follows the one before.

    Raises:
        TranscriptError: the first that does not; the message names it and says why.
    """
    entries: list[Entry] = []
    for position, found in enumerate(stored, 1):
        try:
            entries.append(_next_entry(found, plan_digest, position, entries, key))
        except TranscriptError as error:
            raise TranscriptError(
                f"the transcript of {plan_digest} is not whole: {found.name}: {error}",
                hint="keep what is there, and find out who wrote it: verify-transcript tells more",
            ) from error
    return tuple(entries)


def _next_entry(
    found: StoredEntry, plan_digest: str, position: int, before: Sequence[Entry], key: PublicKey
) -> Entry:
    if not _NAME.fullmatch(found.name):
        raise TranscriptError("it is no entry's name")
    if found.name != f"{position:06}.json":
        raise TranscriptError(f"{position:06}.json is missing")
    entry = Entry.from_bytes(found.content)
    if not entry.is_signed_by(key):
        raise TranscriptError("it is not signed by the transcript key")
    if entry.plan != plan_digest:
        raise TranscriptError(f"it belongs to the transcript of {entry.plan}")
    if entry.sequence != position:
        raise TranscriptError(f"it is entry {entry.sequence} by its own account")
    if entry.previous != (before[-1].digest if before else None):
        raise TranscriptError("it does not follow the entry before it")
    if before and before[-1].event is Event.CLOSED:
        raise TranscriptError("it was written after the transcript was closed")
    return entry


def _require_facts(event: Event, facts: object) -> None:
    if not isinstance(facts, dict):
        raise TranscriptError("the facts are no JSON object")
    if missing := sorted(event.facts - set(facts)):
        raise TranscriptError(f"an entry {event} lacks {', '.join(missing)}")


def _event(value: object) -> Event:
    try:
        return Event(str(value))
    except ValueError as error:
        raise TranscriptError(f"event: {value!r} is none of {', '.join(Event)}") from error


def _text(value: object, what: str) -> str:
    return documents.text(value, what, TranscriptError)


def _request_id(value: object) -> str | None:
    return None if value is None else _text(value, "signature_request_id")


def _base64(value: object) -> bytes:
    try:
        return base64.b64decode(_text(value, "signature"), validate=True)
    except (ValueError, binascii.Error) as error:
        raise TranscriptError("the signature is not base64") from error


def _hash(data: bytes, algorithm: hashes.HashAlgorithm) -> bytes:
    hasher = hashes.Hash(algorithm)
    hasher.update(data)
    return hasher.finalize()
