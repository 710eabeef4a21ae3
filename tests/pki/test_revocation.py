from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientcert import RegistryRecord, RevocationReason, Status
from pki.bulk.revocation import read_lines, revoke_all
from pki.errors import PkiError, RegistryError, UnknownClientError, UsageError
from pki.registry import Registry
from pki.revocation import (
    ByFingerprint,
    ByName,
    BySerial,
    Order,
    Revocation,
    Target,
    find,
    lineage_of,
    parse_fingerprint,
    parse_serial,
    parse_target,
    release,
    revoke,
)
from tests.pki.support import (
    NOW,
    Cloud,
    RecordedProgress,
    kill_at_every_step,
    register,
)
from tests.pki.support import client_record as record

LATER = NOW + timedelta(hours=1)
REASON = RevocationReason.KEY_COMPROMISE
HOLD = RevocationReason.CERTIFICATE_HOLD


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


@given(st.text(max_size=80))
def test_any_text_names_a_certificate_or_is_wrong_usage(text: str) -> None:
    try:
        target = parse_target(text)
    except UsageError:
        return
    assert isinstance(target, ByName | BySerial | ByFingerprint)


@given(st.integers(1, 2**160 - 1))
def test_a_target_in_a_serial_notation_is_that_serial(serial: int) -> None:
    wanted = BySerial(str(serial))

    for text in (str(serial), f"0x{serial:x}", serial.to_bytes(20).hex(":"), f"serial:{serial:#x}"):
        assert parse_target(text) == wanted


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("device-001", ByName("device-001")),
        ("ab", ByName("ab")),
        ("name:1234", ByName("1234")),
        ("1234", BySerial("1234")),
        ("0a:1b", BySerial(str(0x0A1B))),
        ("a" * 64, ByFingerprint("a" * 64)),
        ("1" * 64, ByFingerprint("1" * 64)),
        (":".join(["AB"] * 32), ByFingerprint("ab" * 32)),
        (f" fingerprint:{'a' * 64} ", ByFingerprint("a" * 64)),
    ],
)
def test_a_target_is_read_as_what_it_looks_like(text: str, target: Target) -> None:
    assert parse_target(text) == target


def revoke_now(
    registry: Registry,
    target: Target,
    reason: RevocationReason = REASON,
    *,
    lineage: bool = False,
) -> Revocation:
    return revoke(registry, Order(target, reason, lineage), LATER, RecordedProgress())


def fingerprints(records: Sequence[RegistryRecord]) -> list[str]:
    return [entry.fingerprint for entry in records]


def statuses(cloud: Cloud, client_id: str = "device-001") -> dict[str, str]:
    records = cloud.registry().of_client(client_id)
    return {entry.fingerprint[0]: entry.status.value for entry in records}


def test_a_certificate_is_revoked_with_time_and_reason(
    cloud: Cloud, add: Callable[..., RegistryRecord]
) -> None:
    added = add()

    done = revoke_now(cloud.registry(), ByFingerprint(added.fingerprint))

    stored = cloud.registry().find(added.fingerprint)
    assert stored is not None
    assert (stored.status, stored.revoked_at) == (Status.REVOKED, LATER)
    assert stored.revocation_reason is REASON
    assert done == Revocation((stored,), ())


def test_revoking_twice_keeps_the_first_time_and_reason(
    cloud: Cloud, add: Callable[..., RegistryRecord]
) -> None:
    added = add()
    cloud.registry().revoke(added.fingerprint, REASON, NOW)

    done = revoke_now(
        cloud.registry(), ByFingerprint(added.fingerprint), RevocationReason.SUPERSEDED
    )

    assert done.revoked == ()
    assert [(entry.revocation_reason, entry.revoked_at) for entry in done.already] == [
        (REASON, NOW)
    ]


def test_a_hold_becomes_final_from_the_time_of_the_hold(
    cloud: Cloud, add: Callable[..., RegistryRecord]
) -> None:
    added = add()
    cloud.registry().revoke(added.fingerprint, HOLD, NOW)

    done = revoke_now(cloud.registry(), ByFingerprint(added.fingerprint))

    assert [(entry.revocation_reason, entry.revoked_at) for entry in done.revoked] == [
        (REASON, NOW)
    ]


def test_what_is_revoked_for_good_is_not_put_on_hold(
    cloud: Cloud, add: Callable[..., RegistryRecord]
) -> None:
    added = add()
    cloud.registry().revoke(added.fingerprint, REASON, NOW)

    done = revoke_now(cloud.registry(), ByFingerprint(added.fingerprint), HOLD)

    assert [entry.revocation_reason for entry in done.already] == [REASON]


def test_an_unknown_fingerprint_is_refused(cloud: Cloud) -> None:
    with pytest.raises(UnknownClientError, match="no certificate with fingerprint"):
        revoke_now(cloud.registry(), ByFingerprint("b" * 64))


def test_a_name_means_its_active_certificate(
    cloud: Cloud, add: Callable[..., RegistryRecord]
) -> None:
    old, new = add("a" * 64), add("b" * 64, issued_at=LATER)
    cloud.registry().revoke(old.fingerprint, RevocationReason.SUPERSEDED, NOW)

    assert find(cloud.registry(), ByName("device-001"), NOW) == (new,)


def test_a_name_with_two_active_certificates_is_ambiguous(
    cloud: Cloud, add: Callable[..., RegistryRecord]
) -> None:
    records = (add("a" * 64), add("b" * 64, issued_at=LATER))

    with pytest.raises(UsageError, match=r"has 2 active certificates: a+ issued .*; b+ issued"):
        find(cloud.registry(), ByName("device-001"), NOW)
    assert find(cloud.registry(), ByName("device-001", every=True), NOW) == records


@pytest.mark.parametrize("end", ["not_after", "retires_at"])
def test_an_expired_or_replaced_certificate_is_not_counted_as_active(
    cloud: Cloud, add: Callable[..., RegistryRecord], end: str
) -> None:
    add("a" * 64, **{end: LATER})
    renewed = add("b" * 64, issued_at=LATER)

    after, before = LATER + timedelta(seconds=1), LATER - timedelta(seconds=1)
    assert find(cloud.registry(), ByName("device-001"), after) == (renewed,)
    with pytest.raises(UsageError, match="has 2 active certificates"):
        find(cloud.registry(), ByName("device-001"), before)


def test_a_certificate_added_a_moment_ago_is_revoked_by_name(
    cloud: Cloud, add: Callable[..., RegistryRecord]
) -> None:
    for letter in "abc":
        add(letter * 64)

        done = revoke_now(cloud.registry(), ByName("device-001"))

        assert fingerprints(done.revoked) == [letter * 64]


def test_an_unknown_name_is_refused(cloud: Cloud) -> None:
    with pytest.raises(UnknownClientError, match="no certificate of device-404"):
        revoke_now(cloud.registry(), ByName("device-404", every=True))


def test_a_serial_finds_its_certificate(cloud: Cloud, add: Callable[..., RegistryRecord]) -> None:
    add("a" * 64, serial_number="1")
    wanted = add("b" * 64, serial_number="2")

    assert find(cloud.registry(), BySerial("2"), NOW) == (wanted,)


def test_a_serial_of_two_issuers_is_ambiguous(
    cloud: Cloud, add: Callable[..., RegistryRecord]
) -> None:
    add("a" * 64)
    add("b" * 64, issuer="CN=other")

    with pytest.raises(UsageError, match="is of 2 certificates"):
        find(cloud.registry(), BySerial("1234"), NOW)


def test_an_unknown_serial_is_refused(cloud: Cloud) -> None:
    with pytest.raises(UnknownClientError, match="serial number 99"):
        find(cloud.registry(), BySerial("99"), NOW)


@pytest.fixture
def renewed(add: Callable[..., RegistryRecord]) -> None:
    """Two lineages of one client: a, renewed by b, and twice again by c and d; and e, by itself."""
    add("a" * 64)
    for letter, predecessor in (("b", "a"), ("c", "b"), ("d", "b"), ("e", None)):
        add(letter * 64, renewed_from=predecessor and predecessor * 64)


@pytest.mark.parametrize("start", "abcd")
@pytest.mark.usefixtures("renewed")
def test_a_lineage_is_everything_before_and_after(cloud: Cloud, start: str) -> None:
    done = revoke_now(cloud.registry(), ByFingerprint(start * 64), lineage=True)

    assert fingerprints(done.revoked) == [letter * 64 for letter in "abcd"]
    assert statuses(cloud) == dict.fromkeys("abcd", "revoked") | {"e": "active"}


@pytest.mark.usefixtures("renewed")
def test_a_name_with_active_certificates_of_two_lineages_is_ambiguous(cloud: Cloud) -> None:
    with pytest.raises(UsageError, match="has 5 active certificates"):
        revoke_now(cloud.registry(), ByName("device-001"), lineage=True)


def test_a_name_with_active_certificates_of_one_lineage_means_it(
    cloud: Cloud, add: Callable[..., RegistryRecord]
) -> None:
    add("a" * 64)
    add("b" * 64, renewed_from="a" * 64)

    done = revoke_now(cloud.registry(), ByName("device-001"), lineage=True)

    assert fingerprints(done.revoked) == ["a" * 64, "b" * 64]


@given(st.lists(st.integers(-1, 30), min_size=1, max_size=30), st.data())
def test_lineages_part_a_clients_certificates(parents: list[int], data: st.DataObject) -> None:
    """Whatever renewed what, also in a circle: whoever is in the lineage of another has it too."""
    records = [
        record(
            f"{index:064x}",
            renewed_from=f"{parent % len(parents):064x}" if parent >= 0 else None,
        )
        for index, parent in enumerate(parents)
    ]
    start = data.draw(st.sampled_from(records))

    family = lineage_of(records, [start])

    assert start in family
    for member in family:
        assert lineage_of(records, [member]) == family


class RenewingRegistry(Registry):
    """A device that renews its certificate just before it is revoked, once."""

    def __init__(self, cloud: Cloud, renewal: RegistryRecord) -> None:
        super().__init__(cloud.workload("dynamodb"), cloud.environment)
        self._renewals = [renewal]

    def revoke(self, *arguments: Any) -> tuple[RegistryRecord, bool]:
        while self._renewals:
            register(self, self._renewals.pop())
        return super().revoke(*arguments)


@pytest.mark.parametrize(
    ("every", "lineage"), [(True, False), (False, True), (True, True), (False, False)]
)
def test_what_was_renewed_meanwhile_is_revoked_too_where_more_than_one_is_meant(
    cloud: Cloud, add: Callable[..., RegistryRecord], *, every: bool, lineage: bool
) -> None:
    add("a" * 64)
    registry = RenewingRegistry(cloud, record("b" * 64, renewed_from="a" * 64))

    revoke_now(registry, ByName("device-001", every=every), lineage=lineage)

    expected = "revoked" if every or lineage else "active"
    assert statuses(cloud) == {"a": "revoked", "b": expected}


def release_now(cloud: Cloud, target: Target) -> tuple[list[str], list[str]]:
    done = release(cloud.registry(), target, LATER, RecordedProgress())
    return fingerprints(done.released), fingerprints(done.already)


def hold(cloud: Cloud, added: RegistryRecord, reason: RevocationReason = HOLD) -> None:
    cloud.registry().revoke(added.fingerprint, reason, NOW)


def test_all_certificates_of_a_name_include_those_on_hold_whose_hold_could_be_ended(
    cloud: Cloud, add: Callable[..., RegistryRecord]
) -> None:
    hold(cloud, add("a" * 64))
    add("b" * 64)

    revoke_now(cloud.registry(), ByName("device-001", every=True))

    with pytest.raises(RegistryError, match="revoked for good"):
        cloud.registry().release("a" * 64)
    assert statuses(cloud) == {"a": "revoked", "b": "revoked"}


@pytest.mark.parametrize(
    "target", [ByName("device-001"), BySerial("1234"), ByFingerprint("a" * 64)]
)
def test_a_hold_ends_and_ending_it_twice_is_no_error(
    cloud: Cloud, add: Callable[..., RegistryRecord], target: Target
) -> None:
    added = add()
    hold(cloud, added)

    assert release_now(cloud, target) == ([added.fingerprint], [])
    assert release_now(cloud, target) == ([], [added.fingerprint])
    assert cloud.registry().find(added.fingerprint) == added


@pytest.mark.parametrize("reason", [reason for reason in RevocationReason if reason is not HOLD])
def test_any_other_reason_is_for_good(
    cloud: Cloud, add: Callable[..., RegistryRecord], reason: RevocationReason
) -> None:
    hold(cloud, add(), reason)

    with pytest.raises(RegistryError, match="revoked for good"):
        release_now(cloud, ByFingerprint("a" * 64))
    with pytest.raises(RegistryError, match="no certificate on hold"):
        release_now(cloud, ByName("device-001"))


@pytest.mark.parametrize(
    ("end", "words"), [("not_after", "expired on"), ("retires_at", "was replaced by its renewal")]
)
def test_an_expired_or_replaced_certificate_stays_on_hold(
    cloud: Cloud, add: Callable[..., RegistryRecord], end: str, words: str
) -> None:
    hold(cloud, add(**{end: NOW + timedelta(minutes=1)}))

    with pytest.raises(RegistryError, match=words):
        release_now(cloud, ByFingerprint("a" * 64))
    assert statuses(cloud) == {"a": "revoked"}


def test_a_name_with_two_certificates_on_hold_is_ambiguous(
    cloud: Cloud, add: Callable[..., RegistryRecord]
) -> None:
    for letter in "ab":
        hold(cloud, add(letter * 64))

    with pytest.raises(UsageError, match="has 2 certificates on hold"):
        release_now(cloud, ByName("device-001"))
    released, _ = release_now(cloud, ByName("device-001", every=True))
    assert released == ["a" * 64, "b" * 64]


def read(text: str, **options: bool) -> list[tuple[int, Target, str]]:
    return [
        (line.number, line.order.target, line.order.reason.value)
        for line in read_lines(text, REASON, **options)
    ]


def test_a_files_lines_name_certificates_and_reasons() -> None:
    text = (
        "\ufeffcertificate,reason\r\n"
        "device-001\r\n"
        "\r\n"
        "# stolen from the depot\r\n"
        "0x1f, superseded  # replaced\r\n"
        f"{'a' * 64},\r\n"
    )

    assert read(text) == [
        (2, ByName("device-001"), "keyCompromise"),
        (5, BySerial("31"), "superseded"),
        (6, ByFingerprint("a" * 64), "keyCompromise"),
    ]


def test_every_malformed_line_is_named_with_its_number() -> None:
    with pytest.raises(UsageError) as caught:
        read("device-001\nDEVICE\ndevice-002,stolen\n0\n")

    words = str(caught.value)
    assert "line 2: 'DEVICE' is no client name" in words
    assert "line 3: 'stolen' is none of unspecified," in words
    assert "line 4: '0' is no serial number" in words
    assert "line 1" not in words


def test_a_hundred_malformed_lines_are_counted() -> None:
    with pytest.raises(UsageError, match=r"line 20: .*; and 80 more lines"):
        read("?\n" * 100)


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing", "certificate,reason\n"])
def test_a_file_without_a_certificate_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="names no certificate"):
        read(text)


@given(st.text(max_size=200))
def test_any_file_is_read_or_wrong_usage(text: str) -> None:
    try:
        lines = read_lines(text, REASON)
    except UsageError:
        return
    assert [line.number for line in lines] == sorted({line.number for line in lines})


def revoke_file(cloud: Cloud, text: str, **options: bool) -> Revocation:
    lines = read_lines(text, REASON, **options)
    return revoke_all(cloud.registry(), lines, LATER, RecordedProgress())


def test_a_file_revokes_what_it_names(cloud: Cloud, add: Callable[..., RegistryRecord]) -> None:
    for number in range(1, 6):
        add(f"{number:064x}", client_id=f"device-{number}", serial_number=str(number))
    cloud.registry().revoke(f"{5:064x}", RevocationReason.SUPERSEDED, NOW)

    done = revoke_file(cloud, f"device-1\n2,superseded\n{3:064x}\nname:device-3\ndevice-5\n")

    assert [(entry.client_id, entry.revocation_reason) for entry in done.revoked] == [
        ("device-1", REASON),
        ("device-2", RevocationReason.SUPERSEDED),
        ("device-3", REASON),
    ]
    assert [entry.client_id for entry in done.already] == ["device-5"]
    assert statuses(cloud, "device-4") == {"0": "active"}


def test_a_file_may_mean_whole_lineages(cloud: Cloud, add: Callable[..., RegistryRecord]) -> None:
    add("a" * 64)
    add("b" * 64, renewed_from="a" * 64)

    revoke_file(cloud, "a" * 64, lineage=True)

    assert statuses(cloud) == {"a": "revoked", "b": "revoked"}


def test_nothing_is_revoked_unless_every_line_is_clear(
    cloud: Cloud, add: Callable[..., RegistryRecord]
) -> None:
    add("a" * 64, client_id="device-1")
    for letter in "bc":
        add(letter * 64, client_id="device-2")

    with pytest.raises(RegistryError) as caught:
        revoke_file(cloud, "device-1\ndevice-404\n99\ndevice-2\n")

    assert "line 2: the registry has no certificate of device-404" in str(caught.value)
    assert "line 3: the registry has no certificate with serial number 99" in str(caught.value)
    assert "line 4: device-2 has 2 active certificates" in str(caught.value)
    assert statuses(cloud, "device-1") == {"a": "active"}


def test_two_reasons_for_one_certificate_are_refused(
    cloud: Cloud, add: Callable[..., RegistryRecord]
) -> None:
    add()

    with pytest.raises(RegistryError, match=r"line 3: a{64} has another reason in line 1"):
        revoke_file(cloud, f"device-001\n{'a' * 64}\n1234,superseded\n")
    assert statuses(cloud) == {"a": "active"}


def test_a_file_that_is_interrupted_anywhere_is_completed_by_the_next_run(
    cloud: Cloud, add: Callable[..., RegistryRecord]
) -> None:
    names = [f"device-{number}" for number in range(3)]
    for number, name in enumerate(names):
        add(f"{number:064x}", client_id=name)
    text = "\n".join(names)
    seen: set[str] = set()

    def run() -> None:
        done = revoke_file(cloud, text)
        assert {entry.client_id for entry in (*done.revoked, *done.already)} == set(names)

    def between(_: int) -> None:
        revoked = {name for name in names if set(statuses(cloud, name).values()) == {"revoked"}}
        assert seen <= revoked
        seen.update(revoked)

    assert kill_at_every_step(run, between) > len(names)
    assert {value for name in names for value in statuses(cloud, name).values()} == {"revoked"}


def test_a_registry_that_fails_ends_the_run(
    cloud: Cloud, add: Callable[..., RegistryRecord]
) -> None:
    add()
    lines = read_lines("device-001", REASON)
    cloud.workload("dynamodb").delete_table(TableName=cloud.environment.registry_table)

    with pytest.raises(PkiError, match="no table example-dev-registry"):
        revoke_all(cloud.registry(), lines, LATER, RecordedProgress())
