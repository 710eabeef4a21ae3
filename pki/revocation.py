"""Revoking: from that moment, neither ``/token`` nor the authorizer takes the certificate.

The registry is read consistently, and a renewal needs an active predecessor. So revoking every
certificate, or a whole lineage, goes on until the registry shows nothing more of it: what a device
renewed in between is found, and what is revoked renews no further.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from clientcert import RegistryRecord, RevocationReason, Status
from pki.csr import parse_client_id
from pki.errors import RegistryError, UnknownClientError, UsageError
from pki.progress import Progress
from pki.registry import Registry

_DECIMAL = re.compile(r"[0-9]{1,49}")
_HEXADECIMAL = re.compile(r"(0x)?([0-9a-f]{1,42})", re.IGNORECASE)
_OCTETS = re.compile(r"[0-9a-f]{1,2}(:[0-9a-f]{2}){1,20}", re.IGNORECASE)
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_MAXIMUM_SERIAL = 2**160


@dataclass(frozen=True, slots=True)
class ByName:
    """A client's certificate that may be used.

    Attributes:
        client_id: the client's name.
        every: whether all of them are meant, if there are several.
    """

    client_id: str
    every: bool = False


@dataclass(frozen=True, slots=True)
class BySerial:
    """The certificate with a serial number, in decimal digits."""

    serial_number: str


@dataclass(frozen=True, slots=True)
class ByFingerprint:
    """The certificate with a fingerprint."""

    fingerprint: str


type Target = ByName | BySerial | ByFingerprint


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be revoked, and why.

    Attributes:
        target: the certificates.
        reason: RFC 5280 name.
        lineage: whether with each go those that it renewed and those that renewed it.
    """

    target: Target
    reason: RevocationReason
    lineage: bool = False


@dataclass(frozen=True, slots=True)
class Revocation:
    """What a revocation did.

    Attributes:
        revoked: the certificates that this run revoked.
        already: those that were revoked before.
    """

    revoked: tuple[RegistryRecord, ...]
    already: tuple[RegistryRecord, ...]


@dataclass(frozen=True, slots=True)
class Release:
    """What became of certificates on hold.

    Attributes:
        released: those that this run made active again.
        already: those that were active before.
    """

    released: tuple[RegistryRecord, ...]
    already: tuple[RegistryRecord, ...]


def parse_serial(text: str) -> str:
    """A serial number as the registry keeps it, from decimal, hexadecimal or octets with colons.

    Digits alone are decimal; write ``0x`` before a hexadecimal number that has no letter.

    Returns:
        Decimal digits.

    Raises:
        UsageError: it is none of these, zero, or longer than 20 octets (RFC 5280, 4.1.2.2).
    """
    stripped = text.strip()
    if _DECIMAL.fullmatch(stripped):
        serial = int(stripped)
    elif _OCTETS.fullmatch(stripped):
        serial = int(stripped.replace(":", ""), 16)
    elif _HEXADECIMAL.fullmatch(stripped):
        serial = int(stripped, 16)
    else:
        raise UsageError(
            f"{text!r} is no serial number", hint="decimal, 0x and hexadecimal, or octets 0a:1b:2c"
        )
    if not 0 < serial < _MAXIMUM_SERIAL:
        raise UsageError(f"{text!r} is no serial number: it is positive and of 20 octets at most")
    return str(serial)


def parse_fingerprint(text: str) -> str:
    """A fingerprint as the registry keeps it: colons dropped, lower case.

    Raises:
        UsageError: it is not 64 hexadecimal digits.
    """
    normal = text.strip().replace(":", "").lower()
    if not _FINGERPRINT.fullmatch(normal):
        raise UsageError(
            f"{text!r} is no fingerprint",
            hint="64 hexadecimal digits: openssl x509 -noout -fingerprint -sha256 -in client.crt",
        )
    return normal


def parse_target(text: str, *, every: bool = False) -> Target:
    """A certificate in whatever way it is named.

    64 hexadecimal digits are a fingerprint; digits alone, ``0x`` and octets with colons a serial
    number; anything else is a client's name. ``name:``, ``serial:`` or ``fingerprint:`` in front
    says which.

    Args:
        text: the certificate.
        every: with a name, whether all of the client's certificates are meant.

    Raises:
        UsageError: it is none of these.
    """
    stripped = text.strip()
    kind, colon, value = stripped.partition(":")
    if colon and kind in {"name", "serial", "fingerprint"}:
        match kind:
            case "name":
                return ByName(parse_client_id(value), every)
            case "serial":
                return BySerial(parse_serial(value))
            case _:
                return ByFingerprint(parse_fingerprint(value))
    if _FINGERPRINT.fullmatch(stripped.replace(":", "").lower()):
        return ByFingerprint(parse_fingerprint(stripped))
    if colon or stripped.isdecimal() or stripped[:2].lower() == "0x":
        return BySerial(parse_serial(stripped))
    return ByName(parse_client_id(stripped), every)


def find(registry: Registry, target: Target, now: datetime) -> tuple[RegistryRecord, ...]:
    """The certificates that a revocation means.

    Raises:
        UnknownClientError: the registry has none of them.
        UsageError: the name or number is of several certificates, and one was meant.
    """
    match target:
        case ByName(client_id, every):
            return _by_name(registry, client_id, now, every=every)
        case BySerial(serial_number):
            return (_by_serial(registry, serial_number),)
        case ByFingerprint(fingerprint):
            return (registry.existing(fingerprint),)


def revoke(registry: Registry, order: Order, now: datetime, progress: Progress) -> Revocation:
    """Revoke what an order means; a certificate that is revoked already stays as it is.

    Raises:
        UnknownClientError: the registry has no such certificate.
        UsageError: the name or number is of several certificates, and one was meant.
        RegistryError: a record is malformed, or there is no table.
    """
    return revoke_found(registry, order, find_all(registry, order, now), now, progress)


def find_all(registry: Registry, order: Order, now: datetime) -> tuple[RegistryRecord, ...]:
    """The certificates that an order means at this moment, as :func:`find`."""
    if order.lineage and isinstance(order.target, ByName):
        # Two certificates of one lineage are one thing, and not ambiguous.
        records = registry.of_client(order.target.client_id)
        usable = _usable_now_or_later(records, now)
        family = lineage_of(records, usable[:1])
        if usable and {record.fingerprint for record in usable} <= _fingerprints(family):
            return family
    found = find(registry, order.target, now)
    if not order.lineage:
        return found
    return lineage_of(registry.of_client(found[0].client_id), found)


def revoke_found(
    registry: Registry,
    order: Order,
    found: tuple[RegistryRecord, ...],
    now: datetime,
    progress: Progress,
) -> Revocation:
    """Revoke what :func:`find_all` found, and what belongs to it and came up meanwhile.

    Raises:
        RegistryError: a record is malformed, or there is no table.
    """
    revoked: dict[str, RegistryRecord] = {}
    already: dict[str, RegistryRecord] = {}
    left = found
    while left:
        for entry in left:
            record, done = registry.revoke(entry.fingerprint, order.reason, now)
            (revoked if done else already)[record.fingerprint] = record
            if done:
                progress.step(f"revoked {record.fingerprint} of {record.client_id}")
        known = revoked | already
        further = _further(registry, order, known.values(), now)
        left = tuple(record for record in further if record.fingerprint not in known)
    return Revocation(tuple(revoked.values()), tuple(already.values()))


def lineage_of(
    records: Iterable[RegistryRecord], members: Iterable[RegistryRecord]
) -> tuple[RegistryRecord, ...]:
    """The certificates of a client that are connected with some of them by renewals.

    Args:
        records: every certificate of the client, oldest first.
        members: some of these.
    """
    every = tuple(records)
    family = set(_fingerprints(members))
    size = 0
    while len(family) > size:
        size = len(family)
        for record in every:
            if record.fingerprint in family and record.renewed_from is not None:
                family.add(record.renewed_from)
            elif record.renewed_from in family:
                family.add(record.fingerprint)
    return tuple(record for record in every if record.fingerprint in family)


def release(registry: Registry, target: Target, now: datetime, progress: Progress) -> Release:
    """End the hold of certificates; one that is active already stays as it is.

    Raises:
        UnknownClientError: the registry has no such certificate.
        UsageError: the name or number is of several certificates, and one was meant.
        RegistryError: it is revoked for good, expired, or replaced by its renewal.
    """
    if isinstance(target, ByName):
        found = _on_hold(registry, target, now)
    else:
        found = find(registry, target, now)
    for record in found:
        _require_use(record, now)
    released: list[RegistryRecord] = []
    already: list[RegistryRecord] = []
    for entry in found:
        record, done = registry.release(entry.fingerprint)
        (released if done else already).append(record)
        if done:
            progress.step(f"released {record.fingerprint} of {record.client_id}")
    return Release(tuple(released), tuple(already))


def _further(
    registry: Registry, order: Order, known: Iterable[RegistryRecord], now: datetime
) -> tuple[RegistryRecord, ...]:
    """What belongs to the order now, if it means more than the certificates that it found."""
    members = tuple(known)
    everything = isinstance(order.target, ByName) and order.target.every
    if not (everything or order.lineage):
        return ()
    records = registry.of_client(members[0].client_id)
    family = lineage_of(records, members) if order.lineage else ()
    return family + (_usable_now_or_later(records, now) if everything else ())


def _by_name(
    registry: Registry, client_id: str, now: datetime, *, every: bool
) -> tuple[RegistryRecord, ...]:
    """Those that may be used now or later, if there are any; with ``every``, those on hold too."""
    records = _of_known_client(registry, client_id)
    usable = _usable_now_or_later(records, now)
    if len(usable) > 1 and not every:
        raise _ambiguous(f"{client_id} has {len(usable)} active certificates", usable)
    # A hold could be ended afterwards, so that all of them means it as well.
    held = _held(records, now) if every else ()
    return (*usable, *held) or records


def _on_hold(registry: Registry, target: ByName, now: datetime) -> tuple[RegistryRecord, ...]:
    records = _of_known_client(registry, target.client_id)
    held = _held(records, now)
    if len(held) > 1 and not target.every:
        raise _ambiguous(f"{target.client_id} has {len(held)} certificates on hold", held)
    if not held and not (held := _usable_now_or_later(records, now)):
        raise RegistryError(
            f"{target.client_id} has no certificate on hold that would be usable again",
            hint="give the client a new key and certificate",
        )
    return held


def _held(records: Iterable[RegistryRecord], now: datetime) -> tuple[RegistryRecord, ...]:
    """On hold, and usable once that ends."""
    return tuple(
        record
        for record in records
        if record.revocation_reason is RevocationReason.CERTIFICATE_HOLD
        and record.usable_until > now
    )


def _of_known_client(registry: Registry, client_id: str) -> tuple[RegistryRecord, ...]:
    records = registry.of_client(client_id)
    if not records:
        raise UnknownClientError(
            f"the registry has no certificate of {client_id}",
            hint="check the name and --environment",
        )
    return records


def _by_serial(registry: Registry, serial_number: str) -> RegistryRecord:
    records = registry.with_serial(serial_number)
    if not records:
        raise UnknownClientError(
            f"the registry has no certificate with serial number {serial_number}",
            hint="digits alone are read as decimal: write 0x before a hexadecimal number; "
            "one registered just now shows in a second",
        )
    if len(records) > 1:
        listed = ", ".join(record.fingerprint for record in records)
        raise UsageError(
            f"serial number {serial_number} is of {len(records)} certificates: {listed}",
            hint="name one by its fingerprint",
        )
    return records[0]


def _usable_now_or_later(
    records: Iterable[RegistryRecord], now: datetime
) -> tuple[RegistryRecord, ...]:
    """Neither revoked, nor expired, nor retired: nobody marks the latter two."""
    return tuple(
        record
        for record in records
        if record.status is Status.ACTIVE and record.not_after >= now and not record.is_retired(now)
    )


def _require_use(record: RegistryRecord, now: datetime) -> None:
    """Refuse to make a certificate active again that could not be used."""
    if record.status is Status.REVOKED and record.usable_until <= now:
        what = "was replaced by its renewal" if record.is_retired(now) else "expired"
        raise RegistryError(
            f"{record.fingerprint} of {record.client_id} {what} on "
            f"{record.usable_until:%Y-%m-%d %H:%M:%S} UTC: there is nothing to release",
            hint="give the client a new certificate",
        )


def _ambiguous(what: str, records: Iterable[RegistryRecord]) -> UsageError:
    listed = "; ".join(
        f"{record.fingerprint} issued {record.issued_at:%Y-%m-%d %H:%M:%S}" for record in records
    )
    return UsageError(
        f"{what}: {listed}", hint="name one by its fingerprint, or take them together with --all"
    )


def _fingerprints(records: Iterable[RegistryRecord]) -> frozenset[str]:
    return frozenset(record.fingerprint for record in records)
