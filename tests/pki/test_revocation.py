from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientcert import RegistryRecord, RevocationReason, Status
from pki.errors import UnknownClientError, UsageError
from pki.registry import Registry
from pki.revocation import (
    Revocation,
    by_client,
    by_serial,
    parse_fingerprint,
    parse_serial,
    revoke,
    revoke_client,
)
from tests.pki.support import NOW, Cloud, RecordedProgress, register
from tests.pki.support import client_record as record

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def add(cloud: Cloud) -> Callable[..., RegistryRecord]:
    def add_record(*arguments: str, **changes: Any) -> RegistryRecord:
        added = record(*arguments, **changes)
        register(cloud.registry(), added)
        return added

    return add_record


@given(st.integers(1, 2**160 - 1))
def test_a_serial_reads_the_same_in_every_notation(serial: int) -> None:
    octets = serial.to_bytes(20).hex(":")

    assert parse_serial(str(serial)) == str(serial)
    assert parse_serial(f"0x{serial:x}") == str(serial)
    assert parse_serial(f"0X{serial:X}") == str(serial)
    assert parse_serial(octets) == str(serial)
    assert parse_serial(octets.upper()) == str(serial)


@given(st.text(max_size=60))
def test_any_text_is_a_serial_or_wrong_usage(text: str) -> None:
    try:
        serial = parse_serial(text)
    except UsageError:
        return
    assert 0 < int(serial) < 2**160


def test_digits_alone_are_decimal_and_letters_make_it_hexadecimal() -> None:
    assert parse_serial("1234") == "1234"
    assert parse_serial("12ab") == str(0x12AB)


@pytest.mark.parametrize("text", ["", "0", "-1", "0x", f"{2**160}", "1:2:3", "g", "1.0", "٣"])
def test_what_is_no_serial_is_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError, match="is no serial number"):
        parse_serial(text)


@given(st.binary(min_size=32, max_size=32))
def test_a_fingerprint_reads_the_same_with_colons(digest: bytes) -> None:
    assert parse_fingerprint(digest.hex(":").upper()) == digest.hex()
    assert parse_fingerprint(digest.hex()) == digest.hex()


@pytest.mark.parametrize("text", ["", "ab", "g" * 64, "a" * 63, "a" * 65])
def test_what_is_no_fingerprint_is_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError, match="is no fingerprint"):
        parse_fingerprint(text)


def test_a_certificate_is_revoked_with_time_and_reason(
    cloud: Cloud, add: Callable[..., RegistryRecord]
) -> None:
    added = add()

    done = revoke(
        cloud.registry(),
        (added.fingerprint,),
        RevocationReason.KEY_COMPROMISE,
        LATER,
        RecordedProgress(),
    )

    stored = cloud.registry().find(added.fingerprint)
    assert stored is not None
    assert (stored.status, stored.revoked_at) == (Status.REVOKED, LATER)
    assert stored.revocation_reason is RevocationReason.KEY_COMPROMISE
    assert (done.revoked, done.already) == ((stored,), ())


def test_revoking_twice_keeps_the_first_time_and_reason(
    cloud: Cloud, add: Callable[..., RegistryRecord]
) -> None:
    added = add()
    cloud.registry().revoke(added.fingerprint, RevocationReason.KEY_COMPROMISE, NOW)

    done = revoke(
        cloud.registry(),
        (added.fingerprint,),
        RevocationReason.SUPERSEDED,
        LATER,
        RecordedProgress(),
    )

    assert done.revoked == ()
    assert [entry.revocation_reason for entry in done.already] == [RevocationReason.KEY_COMPROMISE]
    assert done.already[0].revoked_at == NOW


def test_an_unknown_fingerprint_is_refused(cloud: Cloud) -> None:
    with pytest.raises(UnknownClientError, match="no certificate with fingerprint"):
        cloud.registry().revoke("b" * 64, RevocationReason.UNSPECIFIED, NOW)


def test_a_name_means_its_active_certificate(
    cloud: Cloud, add: Callable[..., RegistryRecord]
) -> None:
    old, new = add("a" * 64), add("b" * 64, issued_at=LATER)
    cloud.registry().revoke(old.fingerprint, RevocationReason.SUPERSEDED, NOW)

    assert by_client(cloud.registry(), "device-001", NOW, every=False) == (new,)


def test_a_name_with_two_active_certificates_is_ambiguous(
    cloud: Cloud, add: Callable[..., RegistryRecord]
) -> None:
    records = (add("a" * 64), add("b" * 64, issued_at=LATER))

    with pytest.raises(UsageError, match=r"has 2 active certificates: a+ issued .*; b+ issued"):
        by_client(cloud.registry(), "device-001", NOW, every=False)
    assert by_client(cloud.registry(), "device-001", NOW, every=True) == records


def test_an_expired_certificate_is_not_counted_as_active(
    cloud: Cloud, add: Callable[..., RegistryRecord]
) -> None:
    add("a" * 64, not_after=LATER)
    renewed = add("b" * 64, issued_at=LATER)
    after = LATER + timedelta(seconds=1)

    assert by_client(cloud.registry(), "device-001", after, every=False) == (renewed,)
    with pytest.raises(UsageError, match="has 2 active certificates"):
        by_client(cloud.registry(), "device-001", LATER, every=False)


class LaggingRegistry(Registry):
    """Its index by name answers with these in turn, the last one again and again."""

    def __init__(self, cloud: Cloud, *answers: tuple[RegistryRecord, ...]) -> None:
        super().__init__(cloud.workload("dynamodb"), cloud.environment)
        self._answers = list(answers)

    def of_client(self, client_id: str) -> tuple[RegistryRecord, ...]:
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def revoke_device(registry: Registry, *, every: bool) -> tuple[Revocation, list[float]]:
    slept: list[float] = []
    done = revoke_client(
        registry,
        "device-001",
        RevocationReason.KEY_COMPROMISE,
        every=every,
        now=NOW,
        progress=RecordedProgress(),
        sleep=slept.append,
    )
    return done, slept


def is_active(cloud: Cloud, record: RegistryRecord) -> bool:
    found = cloud.registry().find(record.fingerprint)
    assert found is not None
    return found.status is Status.ACTIVE


@pytest.mark.parametrize("every", [True, False])
def test_revoking_by_name_asks_once_more(
    cloud: Cloud, add: Callable[..., RegistryRecord], *, every: bool
) -> None:
    only = add()

    done, slept = revoke_device(cloud.registry(), every=every)

    assert [record.fingerprint for record in done.revoked] == [only.fingerprint]
    assert len(slept) == 1


def test_a_certificate_that_the_index_shows_late_is_revoked_too(
    cloud: Cloud, add: Callable[..., RegistryRecord]
) -> None:
    old, late = add("a" * 64), add("b" * 64, issued_at=LATER)
    index = LaggingRegistry(cloud, (old,), (old,), (old, late), ())

    done, slept = revoke_device(index, every=True)

    assert [record.fingerprint for record in done.revoked] == [old.fingerprint, late.fingerprint]
    assert not is_active(cloud, late)
    assert len(slept) == 3


def test_an_index_that_never_catches_up_is_not_asked_for_ever(
    cloud: Cloud, add: Callable[..., RegistryRecord]
) -> None:
    only = add()

    done, slept = revoke_device(LaggingRegistry(cloud, (only,)), every=True)

    assert (len(done.revoked), done.already, len(slept)) == (1, (), 3)


def test_a_certificate_that_shows_late_is_not_revoked_unless_it_was_meant(
    cloud: Cloud, add: Callable[..., RegistryRecord]
) -> None:
    old, late = add("a" * 64), add("b" * 64, issued_at=LATER)

    with pytest.raises(UsageError, match=r"has another active certificate: b+ issued"):
        revoke_device(LaggingRegistry(cloud, (old,), (late,)), every=False)

    assert (is_active(cloud, old), is_active(cloud, late)) == (False, True)


def test_the_only_active_certificate_may_show_late(
    cloud: Cloud, add: Callable[..., RegistryRecord]
) -> None:
    old, late = add("a" * 64), add("b" * 64, issued_at=LATER)
    old, _ = cloud.registry().revoke(old.fingerprint, RevocationReason.SUPERSEDED, NOW)

    done, _ = revoke_device(LaggingRegistry(cloud, (old,), (old, late)), every=False)

    assert [record.fingerprint for record in done.revoked] == [late.fingerprint]
    assert done.already == (old,)


def test_an_unknown_name_is_refused(cloud: Cloud) -> None:
    with pytest.raises(UnknownClientError, match="no certificate of device-404"):
        by_client(cloud.registry(), "device-404", NOW, every=True)


def test_a_serial_finds_its_certificate(cloud: Cloud, add: Callable[..., RegistryRecord]) -> None:
    add("a" * 64, serial_number="1")
    wanted = add("b" * 64, serial_number="2")

    assert by_serial(cloud.registry(), "2") == (wanted,)


def test_a_serial_of_two_issuers_is_ambiguous(
    cloud: Cloud, add: Callable[..., RegistryRecord]
) -> None:
    add("a" * 64)
    add("b" * 64, issuer="CN=other")

    with pytest.raises(UsageError, match="is of 2 certificates"):
        by_serial(cloud.registry(), "1234")


def test_an_unknown_serial_is_refused(cloud: Cloud) -> None:
    with pytest.raises(UnknownClientError, match="serial number 99"):
        by_serial(cloud.registry(), "99")
