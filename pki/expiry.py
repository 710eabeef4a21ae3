"""What ends when, and how urgent that is: for reports, and for the function that watches.

Nothing here talks to AWS: records and certificates are handed in.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from clientcert import RegistryRecord, Status, fingerprint

THRESHOLD_DAYS = (60, 30, 14, 7, 1)
"""Remaining days below which something is counted, and alarmed. Module ``watch`` repeats them."""

FORGOTTEN_AFTER = timedelta(days=7)
"""How long an expired leaf is still reported. It stays in the registry for ever, and a device that
is gone would keep an alarm for ever; one that lost its access shows for these days."""


class Kind(StrEnum):
    """What can end; also the value of the metrics' dimension ``Kind``."""

    LEAF = "leaf"
    ISSUING_CA = "issuing-ca"
    ROOT_CA = "root-ca"
    TRUSTSTORE = "truststore"
    SERVER = "server"


class Urgency(StrEnum):
    """How soon something ends; most urgent first."""

    EXPIRED = "expired"
    WITHIN_1_DAY = "within-1-day"
    WITHIN_7_DAYS = "within-7-days"
    WITHIN_14_DAYS = "within-14-days"
    WITHIN_30_DAYS = "within-30-days"
    WITHIN_60_DAYS = "within-60-days"
    LATER = "later"

    @classmethod
    def of(cls, end: datetime, now: datetime) -> "Urgency":
        """Which of them an end is: a threshold is passed when less than its days remain.

        The end itself still belongs to the validity (RFC 5280, section 4.1.2.5).
        """
        if end < now:
            return cls.EXPIRED
        for days, urgency in _BY_THRESHOLD:
            if end - now < timedelta(days=days):
                return urgency
        return cls.LATER


_BY_THRESHOLD = tuple(
    (days, Urgency(f"within-{days}-day{'' if days == 1 else 's'}"))
    for days in sorted(THRESHOLD_DAYS)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Something that ends.

    Attributes:
        kind: what it is.
        name: the client's name, a CA's distinguished name, or the domain's name.
        identifier: fingerprint of the certificate, or the ARN of ACM's.
        issuer: distinguished name of who issued it (RFC 4514).
        begins: start of its validity, UTC.
        ends: when it stops being usable, UTC.
        renewed: whether its successor is there, so that its end surprises nobody.
    """

    kind: Kind
    name: str
    identifier: str
    issuer: str
    begins: datetime
    ends: datetime
    renewed: bool

    def urgency(self, now: datetime) -> Urgency:
        """How soon it ends."""
        return Urgency.of(self.ends, now)

    def days_left(self, now: datetime) -> float:
        """Days until it ends; negative afterwards."""
        return (self.ends - now) / timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a kind's items come to: the numbers that are watched. Renewed items count in none.

    Attributes:
        kind: of the items.
        due: the items, soonest end first.
        below: for each threshold in days, how many have less than that left, expired ones included.
        days_to_next: days until the first of them ends; None when there is none.
    """

    kind: Kind
    due: tuple[Item, ...]
    below: Mapping[int, int]
    days_to_next: float | None

    @classmethod
    def of(cls, kind: Kind, items: Iterable[Item], now: datetime) -> Self:
        """Count the items of a kind."""
        due = sooner_first(item for item in items if item.kind is kind and not item.renewed)
        below = {
            days: sum(1 for item in due if item.ends - now < timedelta(days=days))
            for days in THRESHOLD_DAYS
        }
        return cls(kind, due, below, due[0].days_left(now) if due else None)


def sooner_first(items: Iterable[Item]) -> tuple[Item, ...]:
    """In the order in which they end, then by kind and name."""
    return tuple(sorted(items, key=lambda item: (item.ends, item.kind, item.name, item.identifier)))


def by_urgency(items: Iterable[Item], now: datetime) -> Mapping[Urgency, int]:
    """How many items are how urgent; every urgency is there, those that are renewed in none."""
    found = Counter(item.urgency(now) for item in items if not item.renewed)
    return {urgency: found[urgency] for urgency in Urgency}


def leaves(records: Iterable[RegistryRecord], now: datetime) -> Iterator[Item]:
    """The clients' certificates that still matter.

    Revoked and retired ones do not, nor those that expired long ago.
    """
    known = tuple(records)
    renewed = superseded(known, now)
    for record in known:
        if record.status is not Status.ACTIVE or record.is_retired(now):
            continue
        if record.usable_until + FORGOTTEN_AFTER < now:
            continue
        yield Item(
            kind=Kind.LEAF,
            name=record.client_id,
            identifier=record.fingerprint,
            issuer=record.issuer,
            begins=record.not_before,
            ends=record.usable_until,
            renewed=record.fingerprint in renewed,
        )


def superseded(records: Sequence[RegistryRecord], now: datetime) -> frozenset[str]:
    """Fingerprints of the certificates that have a living successor, however many renewals later.

    A successor lives when it is active and neither retired nor expired; the first day of its
    validity may be yet to come.
    """
    by_fingerprint = {record.fingerprint: record for record in records}
    found: set[str] = set()
    for record in records:
        if record.status is not Status.ACTIVE or record.usable_until < now:
            continue
        predecessor = record.renewed_from
        # What was found before had its own predecessors found with it; a circle ends there too.
        while predecessor is not None and predecessor not in found:
            earlier = by_fingerprint.get(predecessor)
            if earlier is None or earlier.client_id != record.client_id:
                break
            found.add(predecessor)
            predecessor = earlier.renewed_from
    return frozenset(found)


def authorities(certificates: Iterable[x509.Certificate]) -> tuple[Item, ...]:
    """Root and issuing CAs; one is renewed when another of its kind ends later."""
    items = [_of_certificate(_kind_of_ca(entry), entry) for entry in certificates]
    last: dict[Kind, datetime] = {}
    for item in items:
        last[item.kind] = max(item.ends, last.get(item.kind, item.ends))
    return tuple(replace(item, renewed=item.ends < last[item.kind]) for item in items)


def truststore_entries(certificates: Iterable[x509.Certificate]) -> tuple[Item, ...]:
    """What the domain trusts. An entry is never done: it leaves the bundle before it ends."""
    return tuple(_of_certificate(Kind.TRUSTSTORE, entry) for entry in certificates)


def _of_certificate(kind: Kind, certificate: x509.Certificate) -> Item:
    return Item(
        kind=kind,
        name=certificate.subject.rfc4514_string(),
        identifier=fingerprint(certificate.public_bytes(Encoding.DER)),
        issuer=certificate.issuer.rfc4514_string(),
        begins=certificate.not_valid_before_utc,
        ends=certificate.not_valid_after_utc,
        renewed=False,
    )


def _kind_of_ca(certificate: x509.Certificate) -> Kind:
    return Kind.ROOT_CA if certificate.subject == certificate.issuer else Kind.ISSUING_CA
