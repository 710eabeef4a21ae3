from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientcert import RegistryRecord, RevocationReason, Status
from pki.errors import RegistryError, UnknownClientError, UsageError
from pki.revocation import by_client, by_serial, parse_fingerprint, parse_serial, revoke
from tests.pki.support import NOW, Cloud, RecordedProgress

LATER = NOW + timedelta(hours=1)


def record(fingerprint: str = "a" * 64, **changes: Any) -> RegistryRecord:
    usual = RegistryRecord(
        fingerprint=fingerprint,
        client_id="device-001",
        serial_number="1234",
        issuer="CN=issuer",
        not_before=NOW,
        not_after=NOW + timedelta(days=365),
        status=Status.ACTIVE,
        scopes=frozenset({"api/read"}),
        cognito_client_id="cognito-id",
        issued_at=NOW,
    )
    return replace(usual, **changes)


@pytest.fixture
def add(cloud: Cloud) -> Callable[..., RegistryRecord]:
    def add_record(*arguments: str, **changes: Any) -> RegistryRecord:
        added = record(*arguments, **changes)
        cloud.registry().add(added, "key")
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

    assert by_client(cloud.registry(), "device-001", every=False) == (new,)


def test_a_name_with_two_active_certificates_is_ambiguous(
    cloud: Cloud, add: Callable[..., RegistryRecord]
) -> None:
    records = (add("a" * 64), add("b" * 64, issued_at=LATER))

    with pytest.raises(UsageError, match=r"has 2 active certificates: a+ issued .*; b+ issued"):
        by_client(cloud.registry(), "device-001", every=False)
    assert by_client(cloud.registry(), "device-001", every=True) == records


def test_an_unknown_name_is_refused(cloud: Cloud) -> None:
    with pytest.raises(UnknownClientError, match="no certificate of device-404"):
        by_client(cloud.registry(), "device-404", every=True)


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


def test_adding_the_same_record_again_is_no_error(
    cloud: Cloud, add: Callable[..., RegistryRecord]
) -> None:
    added = add()

    cloud.registry().add(added, "key")

    assert cloud.registry().of_client("device-001") == (added,)


def test_a_fingerprint_is_never_overwritten(
    cloud: Cloud, add: Callable[..., RegistryRecord]
) -> None:
    added = add()

    with pytest.raises(RegistryError, match="with other facts"):
        cloud.registry().add(record(scopes=frozenset({"api/write"})), "key")

    assert cloud.registry().find(added.fingerprint) == added


def test_a_malformed_item_is_named(cloud: Cloud, add: Callable[..., RegistryRecord]) -> None:
    item = record().to_item() | {"status": {"S": "perhaps"}}
    cloud.workload("dynamodb").put_item(TableName=cloud.environment.registry_table, Item=item)

    with pytest.raises(RegistryError, match=r"a{64} is malformed: status"):
        cloud.registry().find("a" * 64)


def test_a_missing_table_is_named_with_what_to_do(cloud: Cloud) -> None:
    cloud.workload("dynamodb").delete_table(TableName=cloud.environment.registry_table)

    with pytest.raises(RegistryError, match="no table example-dev-registry in account 2") as caught:
        cloud.registry().of_client("device-001")

    assert caught.value.hint == "apply the unit dev/registry first"
