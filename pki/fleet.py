"""A fleet's certificates as people ask about them: which, what each may do now, what came of it."""

import fnmatch
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache

from cryptography import x509
from cryptography.x509.oid import NameOID

from clientcert import RegistryRecord, RevocationReason, Status
from pki.errors import UsageError
from pki.expiry import Urgency, superseded
from pki.registry import age

_GENERATION = re.compile(r" G([1-9][0-9]{0,2})$")
_DAYS = re.compile(r"[0-9]{1,5}")
_MAXIMUM_DAYS = 36_500


class Standing(StrEnum):
    """What a certificate is now."""

    USABLE = "usable"
    NOT_YET_VALID = "not-yet-valid"
    RETIRED = "retired"
    EXPIRED = "expired"
    ON_HOLD = "on-hold"
    REVOKED = "revoked"

    @classmethod
    def of(cls, record: RegistryRecord, now: datetime) -> "Standing":
        """The first reason why the certificate is refused, in the functions' order, or usable."""
        if record.status is not Status.ACTIVE:
            hold = record.revocation_reason is RevocationReason.CERTIFICATE_HOLD
            return cls.ON_HOLD if hold else cls.REVOKED
        if record.is_retired(now):
            return cls.RETIRED
        if record.not_after < now:
            return cls.EXPIRED
        return cls.USABLE if record.is_usable(now) else cls.NOT_YET_VALID


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which certificates are asked for; None asks for all.

    Attributes:
        standings: what they are now.
        within: how soon their use ends, counted from now; one that has ended is none of them.
        generation: of the CA that issued them, such as ``g1``.
        name: pattern of the client's name, with ``*``, ``?`` and ``[...]``.
    """

    standings: frozenset[Standing] | None = None
    within: timedelta | None = None
    generation: str | None = None
    name: str | None = None

    def takes(self, record: RegistryRecord, now: datetime) -> bool:
        """Whether the certificate is one of them."""
        if self.name is not None and not fnmatch.fnmatchcase(record.client_id, self.name):
            return False
        if self.generation is not None and generation_of(record.issuer) != self.generation:
            return False
        standing = Standing.of(record, now)
        if self.standings is not None and standing not in self.standings:
            return False
        if self.within is None:
            return True
        waits = standing in {Standing.USABLE, Standing.NOT_YET_VALID}
        return waits and record.usable_until - now < self.within


@dataclass(frozen=True, slots=True)
class Link:
    """A certificate in its lineage.

    Attributes:
        record: the certificate.
        depth: how many renewals led to it from the first certificate that is known.
        renewed: whether a living certificate has come of it.
    """

    record: RegistryRecord
    depth: int
    renewed: bool


def parse_days(text: str) -> timedelta:
    """A number of days, 1 to 36,500.

    Raises:
        UsageError: anything else.
    """
    if not (_DAYS.fullmatch(text) and 0 < int(text) <= _MAXIMUM_DAYS):
        raise UsageError(f"{text!r} is no number of days", hint="a whole number, such as 30")
    return timedelta(days=int(text))


@cache
def generation_of(issuer: str) -> str | None:
    """The generation that an issuing CA's distinguished name carries; None when it has none."""
    try:
        names = x509.Name.from_rfc4514_string(issuer).get_attributes_for_oid(NameOID.COMMON_NAME)
    except ValueError:
        return None
    found = _GENERATION.search(str(names[0].value)) if names else None
    return f"g{found[1]}" if found else None


def by_name(records: Iterable[RegistryRecord]) -> tuple[RegistryRecord, ...]:
    """By the client's name, each client's certificates oldest first."""
    return tuple(sorted(records, key=lambda entry: (entry.client_id, *age(entry))))


def lineage(records: Iterable[RegistryRecord], now: datetime) -> tuple[Link, ...]:
    """A client's certificates, each followed by what came of it.

    Every certificate appears once: one whose predecessor is unknown begins a lineage, and so does
    the oldest of a circle, which no honest registry has.
    """
    ordered = sorted(records, key=age)
    renewed = superseded(ordered, now)
    known = {record.fingerprint for record in ordered}
    children: dict[str, list[RegistryRecord]] = {}
    for record in ordered:
        if record.renewed_from in known:
            children.setdefault(str(record.renewed_from), []).append(record)
    beginnings = [record for record in ordered if record.renewed_from not in known]
    seen: set[str] = set()
    return tuple(
        Link(record, depth, record.fingerprint in renewed)
        for beginning in (*beginnings, *ordered)
        for record, depth in _descend(beginning, children, seen)
    )


def _descend(
    beginning: RegistryRecord, children: dict[str, list[RegistryRecord]], seen: set[str]
) -> Iterator[tuple[RegistryRecord, int]]:
    waiting = [(beginning, 0)]
    while waiting:
        record, depth = waiting.pop()
        if record.fingerprint in seen:
            continue
        seen.add(record.fingerprint)
        yield record, depth
        waiting += [(child, depth + 1) for child in reversed(children.get(record.fingerprint, []))]


def next_step(link: Link, environment: str, now: datetime) -> str:
    """What is to be done about a certificate, in a sentence."""
    record = link.record
    match Standing.of(record, now):
        case Standing.REVOKED:
            return "nothing: it is revoked for good"
        case Standing.ON_HOLD:
            return (
                f"decide: unrevoke-client --fingerprint {record.fingerprint} "
                f"--environment {environment}, or revoke it for another reason"
            )
        case Standing.RETIRED:
            return "nothing: its renewal has replaced it" if link.renewed else _provision(record)
        case Standing.EXPIRED:
            return "nothing: its renewal has replaced it" if link.renewed else _provision(record)
        case Standing.NOT_YET_VALID:
            return f"nothing until {record.not_before:%Y-%m-%d %H:%M:%S} UTC, when it becomes valid"
        case Standing.USABLE:
            return _renewal(link, now)


def _renewal(link: Link, now: datetime) -> str:
    record = link.record
    if link.renewed:
        return "nothing: its renewal is there; the device should use that one"
    if record.retires_at is not None:
        return f"renew it: it retires {record.retires_at:%Y-%m-%d}, and what renewed it is no more"
    if Urgency.of(record.usable_until, now) is Urgency.LATER:
        return "nothing yet"
    return f"renew it before {record.usable_until:%Y-%m-%d}: renew-client {record.client_id}"


def _provision(record: RegistryRecord) -> str:
    return f"issue a new one, if the device is to go on: provision-client {record.client_id}"
