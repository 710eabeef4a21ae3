"""Revoking: from that moment, neither ``/token`` nor the authorizer takes the certificate."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from clientcert import RegistryRecord, RevocationReason, Status
from pki.errors import UnknownClientError, UsageError
from pki.progress import Progress
from pki.registry import Registry

_DECIMAL = re.compile(r"[0-9]{1,49}")
_HEXADECIMAL = re.compile(r"(0x)?([0-9a-f]{1,42})", re.IGNORECASE)
_OCTETS = re.compile(r"[0-9a-f]{1,2}(:[0-9a-f]{2}){1,20}", re.IGNORECASE)
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_MAXIMUM_SERIAL = 2**160
_LOOKS_AGAIN = 3
_INDEX_LAG_SECONDS = 1.0
"""An index lags the table by a fraction of a second as a rule."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """What a revocation did.

    Attributes:
        revoked: the certificates that this run revoked.
        already: those that were revoked before.
    """

    revoked: tuple[RegistryRecord, ...]
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


def revoke_client(
    registry: Registry,
    client_id: str,
    reason: RevocationReason,
    *,
    every: bool,
    now: datetime,
    progress: Progress,
    sleep: Callable[[float], None],
) -> Revocation:
    """Revoke a client's certificate by its name, or every one of them.

    The index by name lags the registry: a certificate registered moments before may be missing
    from it. So it is asked again, a few times, until it shows no active one, not even those just
    revoked.

    Raises:
        UnknownClientError: the client has no certificate.
        UsageError: it has several active ones, and not every one was meant.
    """
    done = revoke(
        registry,
        _fingerprints(by_client(registry, client_id, now, every=every)),
        reason,
        now,
        progress,
    )
    for _ in range(_LOOKS_AGAIN):
        sleep(_INDEX_LAG_SECONDS)
        active = _active(registry.of_client(client_id), now)
        if not active:
            break
        known = _fingerprints((*done.revoked, *done.already))
        late = tuple(record for record in active if record.fingerprint not in known)
        if late and not every and len(late) + len(done.revoked) > 1:
            raise _ambiguous(f"{client_id} has another active certificate", late)
        further = revoke(registry, _fingerprints(late), reason, now, progress)
        done = Revocation(done.revoked + further.revoked, done.already + further.already)
    return done


def by_client(
    registry: Registry, client_id: str, now: datetime, *, every: bool
) -> tuple[RegistryRecord, ...]:
    """The certificates of a client that a revocation means: the active ones, if there are any.

    An expired one is not active, whatever the registry says: nobody marks it.

    Raises:
        UnknownClientError: the client has no certificate.
        UsageError: it has several active ones, and not every one was meant.
    """
    records = registry.of_client(client_id)
    if not records:
        raise UnknownClientError(
            f"the registry has no certificate of {client_id}",
            hint="check the name and --environment; one registered just now shows in a second",
        )
    active = _active(records, now)
    if len(active) > 1 and not every:
        raise _ambiguous(f"{client_id} has {len(active)} active certificates", active)
    return active or records


def _active(records: Iterable[RegistryRecord], now: datetime) -> tuple[RegistryRecord, ...]:
    """Those that may be used now or later."""
    return tuple(
        record for record in records if record.status is Status.ACTIVE and record.not_after >= now
    )


def _ambiguous(what: str, records: Iterable[RegistryRecord]) -> UsageError:
    listed = "; ".join(
        f"{record.fingerprint} issued {record.issued_at:%Y-%m-%d %H:%M:%S}" for record in records
    )
    return UsageError(
        f"{what}: {listed}",
        hint="name one with --fingerprint, or revoke them together with --all",
    )


def _fingerprints(records: Iterable[RegistryRecord]) -> tuple[str, ...]:
    return tuple(record.fingerprint for record in records)


def by_serial(registry: Registry, serial_number: str) -> tuple[RegistryRecord, ...]:
    """The certificate with a serial number (decimal).

    Raises:
        UnknownClientError: there is none.
        UsageError: two CAs used the number.
    """
    records = registry.with_serial(serial_number)
    if not records:
        raise UnknownClientError(
            f"the registry has no certificate with serial number {serial_number}",
            hint="digits alone are read as decimal: write 0x before a hexadecimal number",
        )
    if len(records) > 1:
        listed = ", ".join(record.fingerprint for record in records)
        raise UsageError(
            f"serial number {serial_number} is of {len(records)} certificates: {listed}",
            hint="name one with --fingerprint",
        )
    return records


def revoke(
    registry: Registry,
    fingerprints: tuple[str, ...],
    reason: RevocationReason,
    now: datetime,
    progress: Progress,
) -> Revocation:
    """Revoke certificates; one that is revoked already stays as it is.

    Raises:
        UnknownClientError: the registry has no such certificate.
    """
    revoked: list[RegistryRecord] = []
    already: list[RegistryRecord] = []
    for fingerprint in fingerprints:
        record, done = registry.revoke(fingerprint, reason, now)
        if done:
            revoked.append(record)
            progress.step(f"revoked {record.fingerprint} of {record.client_id}")
        else:
            already.append(record)
    return Revocation(tuple(revoked), tuple(already))
