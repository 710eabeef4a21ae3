"""Proving a transcript whole: from its bytes and the transcript key's public half, nothing else.

Every finding is named, not the first alone, since what was tampered with is told by all of them.
"""

import hashlib
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from clientcert import MalformedCertificateError, der_from_pem, fingerprint
from pki import pem
from pki.ceremony import documents
from pki.ceremony.approval import Approval
from pki.ceremony.plan import CeremonyPlan, PlannedCertificate
from pki.ceremony.transcript import Entry, Event
from pki.ceremony.transcript_store import StoredEntry
from pki.errors import ApprovalError, PlanError, TranscriptError
from pki.keys import PublicKey, signature_hash, verifies

_NAME = re.compile(r"([0-9]{6})\.json")
_CLOCK_SKEW = timedelta(minutes=5)


class Problem(StrEnum):
    """What can be wrong with a transcript."""

    NAME = "name"
    GAP = "gap"
    MALFORMED = "malformed"
    SIGNATURE = "signature"
    FOREIGN = "foreign"
    SEQUENCE = "sequence"
    CHAIN = "chain"
    TIME = "time"
    AFTER_END = "after-end"
    UNFINISHED = "unfinished"
    PLAN = "plan"
    APPROVAL = "approval"
    CERTIFICATE = "certificate"
    KEY = "key"
    RETENTION = "retention"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        problem: what kind.
        where: the entry's name, or None for the transcript as a whole.
        message: what, in words.
    """

    problem: Problem
    where: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a transcript proves.

    Attributes:
        plan_digest: whose transcript.
        entries: those that can be read and are signed by the transcript key, in order.
        plan: what was to be done; None when the transcript does not say.
        approver: who approved it last.
        findings: what is wrong; empty when it is whole.
    """

    plan_digest: str
    entries: tuple[Entry, ...]
    plan: CeremonyPlan | None
    approver: str | None
    findings: tuple[Finding, ...]

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    def is_abandoned(self, now: datetime) -> bool:
        """Whether all that is wrong is an end that cannot come any more: the plan expired.

        An end that was cut off looks alike: CloudTrail shows the signatures of what is gone.
        """
        return (
            {finding.problem for finding in self.findings} == {Problem.UNFINISHED}
            and self.plan is not None
            and now > self.plan.expires_at
        )

    @property
    def outcome(self) -> str:
        """``closed``, ``failed``, or ``unfinished``."""
        last = self.entries[-1].event if self.entries else None
        return last.value if last in {Event.CLOSED, Event.FAILED} else "unfinished"


def verify(
    stored: Sequence[StoredEntry],
    plan_digest: str,
    key: PublicKey,
    now: datetime,
    *,
    require_retention: bool,
) -> Verdict:
    """Judge a transcript.

    Args:
        stored: its objects, by name.
        plan_digest: whose transcript it is to be, ``sha256:<hex>``.
        key: the transcript key's public half.
        now: the time, UTC.
        require_retention: whether each object has to be locked: a copy's are not.
    """
    findings: list[Finding] = []
    entries = tuple(_chain(stored, plan_digest, key, findings))
    plan = _plan(entries, plan_digest, findings)
    approver = _approval(entries, plan, findings)
    findings += _order(entries)
    if plan is not None:
        findings += _certificates(entries, plan)
    findings += _keys(entries)
    if require_retention:
        findings += _retention(stored, now)
    return Verdict(plan_digest, entries, plan, approver, tuple(findings))


def _chain(
    stored: Sequence[StoredEntry], plan_digest: str, key: PublicKey, findings: list[Finding]
) -> Iterator[Entry]:
    expected, previous = 1, None
    for found in stored:

        def say(problem: Problem, message: str, where: str = found.name) -> None:
            findings.append(Finding(problem, where, message))

        name = _NAME.fullmatch(found.name)
        if name is None:
            say(Problem.NAME, "it is no entry's name")
            continue
        number, follows = int(name.group(1)), True
        if number != expected:
            last = f" to {number - 1:06}" if number - 1 > expected else ""
            say(Problem.GAP, f"{expected:06}{last} missing before it")
            follows = False  # its predecessor cannot be known
        digest_before, previous = previous, f"sha256:{hashlib.sha256(found.content).hexdigest()}"
        expected = number + 1
        try:
            entry = Entry.from_bytes(found.content)
        except TranscriptError as error:
            say(Problem.MALFORMED, str(error))
            continue
        if entry.sequence != number:
            say(Problem.SEQUENCE, f"it is entry {entry.sequence} by its own account")
        if entry.plan != plan_digest:
            say(Problem.FOREIGN, f"it belongs to the transcript of {entry.plan}")
        if follows and entry.previous != digest_before:
            say(Problem.CHAIN, "it does not follow the entry before it, as that is now")
        if not entry.is_signed_by(key):
            say(Problem.SIGNATURE, "it is not signed by the transcript key")
            continue
        yield entry


def _plan(
    entries: Sequence[Entry], plan_digest: str, findings: list[Finding]
) -> CeremonyPlan | None:
    plan = None
    for entry in _of(entries, Event.OPENED):
        try:
            plan = CeremonyPlan.from_bytes(documents.encode(entry.facts["plan"]))
        except (PlanError, UnicodeEncodeError) as error:
            findings.append(Finding(Problem.PLAN, entry.name, str(error)))
            continue
        if plan.digest != plan_digest:
            findings.append(
                Finding(Problem.PLAN, entry.name, f"it opens with the plan {plan.digest}")
            )
            plan = None
    return plan


def _approval(
    entries: Sequence[Entry], plan: CeremonyPlan | None, findings: list[Finding]
) -> str | None:
    approver, approved = None, False
    for entry in entries:
        if entry.event is Event.APPROVED:
            try:
                approval = Approval.from_bytes(documents.encode(entry.facts["approval"]))
                if plan is not None:
                    approval.require(plan)
                    approved = True
                approver = approval.approver
            except (ApprovalError, UnicodeEncodeError) as error:
                findings.append(Finding(Problem.APPROVAL, entry.name, str(error)))
        if entry.event in {Event.KEY_UNLOCKED, Event.SIGNING, Event.SIGNED} and not approved:
            message = f"{entry.event} without a valid approval before it"
            findings.append(Finding(Problem.APPROVAL, entry.name, message))
    return approver


def _order(entries: Sequence[Entry]) -> Iterator[Finding]:
    if not entries:
        yield Finding(Problem.UNFINISHED, None, "it has no entry that can be read")
        return
    if entries[0].event is not Event.OPENED:
        yield Finding(Problem.PLAN, entries[0].name, f"it begins with {entries[0].event}")
    for before, entry in pairwise(entries):
        if before.event is Event.CLOSED:
            yield Finding(Problem.AFTER_END, entry.name, "it was written after the end")
        if entry.recorded_at < before.recorded_at - _CLOCK_SKEW:
            yield Finding(Problem.TIME, entry.name, "it is older than the entry before it")
    if entries[-1].event not in {Event.CLOSED, Event.FAILED}:
        yield Finding(
            Problem.UNFINISHED,
            entries[-1].name,
            f"it ends with {entries[-1].event}: the run was interrupted, or what followed is gone",
        )


def _certificates(entries: Sequence[Entry], plan: CeremonyPlan) -> Iterator[Finding]:
    planned = {entry.draft_sha256: entry for entry in plan.certificates}
    announced: set[tuple[str, str]] = set()
    signed: dict[str, str] = {}
    for entry in entries:
        draft, where = str(entry.facts.get("draft_sha256")), entry.name
        if entry.event is Event.SIGNING:
            announced.add((entry.run, draft))
            yield from _announcement(entry, plan, planned)
        elif entry.event is Event.SIGNED:
            if (entry.run, draft) not in announced:
                yield Finding(Problem.CERTIFICATE, where, "it was signed unannounced")
            if draft in signed:
                yield Finding(Problem.CERTIFICATE, where, "its draft was signed before")
            if message := _certificate_message(entry, planned.get(draft)):
                yield Finding(Problem.CERTIFICATE, where, message)
            signed[draft] = str(entry.facts["fingerprint"])
    if entries and entries[-1].event is Event.CLOSED:
        yield from _completeness(entries, planned, signed)


def _announcement(entry: Entry, plan: CeremonyPlan, drafts: Container[str]) -> Iterator[Finding]:
    if entry.facts["draft_sha256"] not in drafts:
        yield Finding(Problem.CERTIFICATE, entry.name, "the plan has no such draft")
    if entry.recorded_at > plan.expires_at:
        yield Finding(Problem.PLAN, entry.name, "it signs after the plan expired")


def _completeness(
    entries: Sequence[Entry], planned: Mapping[str, PlannedCertificate], signed: Mapping[str, str]
) -> Iterator[Finding]:
    stored = {entry.facts["fingerprint"] for entry in _of(entries, Event.STORED)}
    for draft, certificate in planned.items():
        if signed.get(draft) not in stored:
            done = "stored" if draft in signed else "signed"
            message = f"closed although {certificate.authority.common_name} was not {done}"
            yield Finding(Problem.CERTIFICATE, entries[-1].name, message)


def _certificate_message(entry: Entry, planned: PlannedCertificate | None) -> str | None:
    """What is wrong with the certificate that an entry holds."""
    try:
        certificate = x509.load_der_x509_certificate(der_from_pem(str(entry.facts["certificate"])))
    except (MalformedCertificateError, *pem.MALFORMED):
        return "its certificate cannot be read"
    if fingerprint(certificate.public_bytes(Encoding.DER)) != entry.facts["fingerprint"]:
        return "its certificate has another fingerprint"
    if planned is None:
        return "the plan has no certificate of its draft"
    if not planned.draft.matches(certificate):
        return f"its certificate is not what the plan says of {planned.authority.common_name}"
    key = planned.draft.issuer.public_key
    signed = certificate.tbs_certificate_bytes
    if not verifies(key, certificate.signature, signed, signature_hash(key)):
        return f"its certificate is not signed by {planned.signed_by.common_name}"
    return None


def _keys(entries: Sequence[Entry]) -> Iterator[Finding]:
    unlocked: dict[str, Entry] = {}
    for entry in entries:
        if entry.event is Event.KEY_UNLOCKED:
            unlocked[str(entry.facts["key_id"])] = entry
        if entry.event is Event.KEY_LOCKED:
            unlocked.pop(str(entry.facts["key_id"]), None)
    for key_id, entry in unlocked.items():
        yield Finding(
            Problem.KEY, entry.name, f"{key_id} was unlocked, and nothing says that it was locked"
        )


def _retention(stored: Sequence[StoredEntry], now: datetime) -> Iterator[Finding]:
    for entry in stored:
        if entry.retention is None:
            yield Finding(Problem.RETENTION, entry.name, "it is not locked: it can be deleted")
        elif entry.retention.until <= now:
            until = documents.timestamp(entry.retention.until)
            yield Finding(Problem.RETENTION, entry.name, f"its lock ended at {until}")


def _of(entries: Sequence[Entry], event: Event) -> Iterator[Entry]:
    return (entry for entry in entries if entry.event is event)
