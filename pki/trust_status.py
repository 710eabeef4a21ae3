"""Whether everybody means the same truststore: S3, the domain, the pin, and the registry.

Judges what it is told; asks nobody.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pki.domain import DomainStatus, DomainTruststore
from pki.rotation import Rotation
from pki.truststore import EXPIRES_SOON, Severity, lint
from pki.truststore_bucket import Pin, Stored, Version


class Verdict(StrEnum):
    """How a line of the status is to be taken."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at.

    Attributes:
        subject: what.
        found: how it is.
        verdict: whether that is well.
        ends: when it expires, UTC; None for what does not.
        remedy: what to do, or None.
    """

    subject: str
    found: str
    verdict: Verdict = Verdict.OK
    ends: datetime | None = None
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found.

    Attributes:
        versions: the bucket's history, newest first.
        current: the bucket's current object, or None.
        pinned: what the domain has pinned, or None where there is no domain.
        in_force: the object of that version, or None.
        pin: what the pin file says, or None when none was named.
        rotation: the CAs and their certificates.
    """

    versions: Sequence[Version]
    current: Stored | None
    pinned: DomainTruststore | None
    in_force: Stored | None
    pin: Pin | None
    rotation: Rotation


def judge(facts: Facts, now: datetime) -> tuple[Line, ...]:
    """Every line of the status, in the order in which they are read."""
    return tuple(_lines(facts, now))


def worst(lines: Iterable[Line]) -> Verdict:
    """The gravest verdict among them."""
    order = list(Verdict)
    return max((line.verdict for line in lines), key=order.index, default=Verdict.OK)


def _lines(facts: Facts, now: datetime) -> Iterator[Line]:
    yield _bucket(facts)
    yield _domain(facts)
    if facts.pin is not None:
        yield _pin(facts.pin, facts)
    if facts.pinned is not None:
        yield from _warnings(facts.pinned)
    if facts.in_force is not None:
        yield from _findings(facts.in_force, now)
    yield from _authorities(facts.rotation, now)
    yield from _stranded(facts)


def _bucket(facts: Facts) -> Line:
    subject = "S3, current version"
    if facts.current is None:
        return Line(subject, "none", Verdict.FAILED, remedy="upload-truststore")
    count = len(facts.versions)
    return Line(subject, f"{facts.current.pin.version} (of {count})")


def _domain(facts: Facts) -> Line:
    subject = "domain, pinned version"
    if facts.pinned is None:
        return Line(subject, "no domain yet", Verdict.FAILED, remedy="apply the unit acm-domain")
    found = f"{facts.pinned.version}, {facts.pinned.status}"
    if facts.current is None or facts.pinned.version != facts.current.pin.version:
        return Line(
            subject,
            f"{found}: not S3's current version",
            Verdict.WARNING,
            remedy="truststore rollout, or upload what is in force again",
        )
    if facts.pinned.status is DomainStatus.UPDATING:
        return Line(subject, found, Verdict.WARNING, remedy="wait: a change still spreads")
    if facts.pinned.status is not DomainStatus.AVAILABLE:
        return Line(subject, found, Verdict.FAILED, remedy="docs/custom-domain.md has its states")
    return Line(subject, found)


def _pin(pin: Pin, facts: Facts) -> Line:
    subject = "pin file"
    if facts.pinned is None or pin.version != facts.pinned.version:
        return Line(
            subject,
            f"{pin.version}: not what the domain has pinned",
            Verdict.FAILED,
            remedy="truststore rollout",
        )
    if facts.in_force is not None and pin.sha256 != facts.in_force.pin.sha256:
        return Line(
            subject,
            f"{pin.version}: its sha256 is not the object's",
            Verdict.FAILED,
            remedy="write it again: upload-truststore --pin-file",
        )
    return Line(subject, pin.version)


def _warnings(pinned: DomainTruststore) -> Iterator[Line]:
    if not pinned.warnings:
        yield Line("API Gateway", "warns of nothing")
    for warning in pinned.warnings:
        yield Line("API Gateway", warning, Verdict.FAILED, remedy="its clients are refused")


def _findings(in_force: Stored, now: datetime) -> Iterator[Line]:
    for finding in lint(in_force.bundle, now):
        if finding.rule == "expires-soon" or finding.rule == "expired":
            continue  # each CA has a line of its own
        verdict = Verdict.FAILED if finding.severity is Severity.ERROR else Verdict.WARNING
        yield Line("truststore in force", f"{finding.message} [{finding.rule}]", verdict)


def _authorities(rotation: Rotation, now: datetime) -> Iterator[Line]:
    for generation in rotation.generations:
        end = generation.certificate.not_valid_after_utc
        found = (
            f"{'trusted' if generation.trusted else 'not trusted'}, "
            f"{len(generation.usable)} certificates in use"
        )
        verdict, remedy = Verdict.OK, None
        if generation.trusted and end <= now:
            verdict, remedy = Verdict.FAILED, "take it out: rotation retire"
        elif generation.trusted and end - now < EXPIRES_SOON:
            verdict, remedy = Verdict.WARNING, "rotate-issuing-ca"
        name = generation.certificate.subject.rfc4514_string()
        yield Line(name, found, verdict, ends=end, remedy=remedy)


def _stranded(facts: Facts) -> Iterator[Line]:
    lost = facts.rotation.stranded
    if lost and facts.pinned is not None:
        yield Line(
            "registry",
            f"{len(lost)} certificates in use are of a CA that is not trusted, "
            f"such as {lost[0].client_id}'s",
            Verdict.FAILED,
            remedy="renew or revoke them: rotation drain",
        )
