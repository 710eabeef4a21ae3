"""Which certificates are asked for, what each is now, and what came of it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from clientcert import RegistryRecord, RevocationReason, Status
from pki.errors import UsageError
from pki.fleet import (
    Link,
    Selection,
    Standing,
    by_name,
    generation_of,
    lineage,
    next_step,
    parse_days,
)
from tests.pki.support import NOW, client_record

DAY = timedelta(days=1)


def leaf(name: str = "a", **changes: Any) -> RegistryRecord:
    settled = {
        "not_before": NOW - 30 * DAY,
        "not_after": NOW + 100 * DAY,
        "issued_at": NOW,
    } | changes
    return client_record(name * 64, **settled)


def revoked(
    record: RegistryRecord, reason: RevocationReason = RevocationReason.SUPERSEDED
) -> RegistryRecord:
    return replace(record, status=Status.REVOKED, revoked_at=NOW, revocation_reason=reason)


@pytest.mark.parametrize(
    ("record", "standing"),
    [
        (leaf(), Standing.USABLE),
        (leaf(not_before=NOW + DAY), Standing.NOT_YET_VALID),
        (leaf(not_after=NOW - DAY), Standing.EXPIRED),
        (leaf(retires_at=NOW), Standing.RETIRED),
        (leaf(retires_at=NOW + DAY), Standing.USABLE),
        (revoked(leaf()), Standing.REVOKED),
        (revoked(leaf(), RevocationReason.CERTIFICATE_HOLD), Standing.ON_HOLD),
    ],
)
def test_what_a_certificate_is_now(record: RegistryRecord, standing: Standing) -> None:
    assert Standing.of(record, NOW) is standing


@pytest.mark.parametrize(
    ("selection", "taken"),
    [
        (Selection(), True),
        (Selection(name="device-*"), True),
        (Selection(name="Device-*"), False),
        (Selection(name="device-00"), False),
        (Selection(generation="g1"), True),
        (Selection(generation="g11"), False),
        pytest.param(
            # A set's order, and with it the test's name, would differ from process to process.
            Selection(standings=frozenset({Standing.USABLE, Standing.REVOKED})),
            True,
            id="two standings",
        ),
        (Selection(standings=frozenset({Standing.REVOKED})), False),
        (Selection(within=100 * DAY), False),
        (Selection(within=101 * DAY), True),
        (Selection(within=101 * DAY, name="other-*"), False),
    ],
    ids=str,
)
def test_a_selection_takes_what_fits_all_of_it(selection: Selection, *, taken: bool) -> None:
    record = leaf(issuer="CN=example dev Issuing CA G1,O=example")
    assert selection.takes(record, NOW) is taken


def test_what_has_ended_does_not_end_soon() -> None:
    assert not Selection(within=10 * DAY).takes(leaf(not_after=NOW - DAY), NOW)


def test_retirement_is_an_end() -> None:
    assert Selection(within=10 * DAY).takes(leaf(retires_at=NOW + 9 * DAY), NOW)


@pytest.mark.parametrize(
    ("issuer", "generation"),
    [
        ("CN=example dev Issuing CA G12,O=example", "g12"),
        ("CN=example dev Issuing CA,O=example", None),
        ("O=example G1", None),
        ("not a name", None),
    ],
)
def test_the_generation_stands_in_the_issuers_common_name(
    issuer: str, generation: str | None
) -> None:
    assert generation_of(issuer) == generation


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "", "x", "\u0663", "9" * 5000, "36501"])
def test_what_is_no_number_of_days_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no number of days"):
        parse_days(text)


def test_certificates_come_by_name_and_age() -> None:
    records = [
        leaf("a", client_id="b"),
        leaf("b", client_id="a", issued_at=NOW + DAY),
        leaf("c", client_id="a"),
    ]
    assert [record.fingerprint[0] for record in by_name(records)] == ["c", "b", "a"]


def depths(*records: RegistryRecord) -> list[tuple[str, int]]:
    return [(link.record.fingerprint[0], link.depth) for link in lineage(records, NOW)]


def test_each_certificate_is_followed_by_what_renewed_it() -> None:
    assert depths(
        leaf("a"),
        leaf("b", issued_at=NOW + DAY),
        leaf("c", renewed_from="a" * 64, issued_at=NOW + 2 * DAY),
        leaf("d", renewed_from="a" * 64, issued_at=NOW + 3 * DAY),
        leaf("e", renewed_from="c" * 64, issued_at=NOW + 4 * DAY),
    ) == [("a", 0), ("c", 1), ("e", 2), ("d", 1), ("b", 0)]


def test_a_certificate_of_an_unknown_predecessor_begins_a_lineage() -> None:
    assert depths(leaf("b", renewed_from="a" * 64)) == [("b", 0)]


def test_in_a_circle_each_certificate_still_appears_once() -> None:
    assert sorted(
        name
        for name, _ in depths(leaf("a", renewed_from="b" * 64), leaf("b", renewed_from="a" * 64))
    ) == ["a", "b"]


def test_a_long_lineage_is_no_recursion() -> None:
    def record(number: int) -> RegistryRecord:
        before = f"{number - 1:064x}" if number else None
        return client_record(f"{number:064x}", renewed_from=before)

    assert lineage(map(record, range(3000)), NOW)[-1].depth == 2999


@pytest.mark.parametrize(
    ("record", "renewed", "step"),
    [
        (leaf(), False, "nothing yet"),
        (
            leaf(not_after=NOW + 59 * DAY),
            False,
            "renew it before 2027-01-22: renew-client device-001",
        ),
        (leaf(), True, "nothing: its renewal is there; the device should use that one"),
        (
            leaf(retires_at=NOW + DAY),
            False,
            "renew it: it retires 2026-11-25, and what renewed it is no more",
        ),
        (leaf(retires_at=NOW), True, "nothing: its renewal has replaced it"),
        (
            leaf(not_after=NOW - DAY),
            False,
            "issue a new one, if the device is to go on: provision-client device-001",
        ),
        (revoked(leaf()), False, "nothing: it is revoked for good"),
        (
            revoked(leaf(), RevocationReason.CERTIFICATE_HOLD),
            False,
            f"decide: unrevoke-client --fingerprint {'a' * 64} --environment dev, "
            "or revoke it for another reason",
        ),
        (
            leaf(not_before=NOW + DAY),
            False,
            "nothing until 2026-11-25 12:00:00 UTC, when it becomes valid",
        ),
    ],
)
def test_what_to_do_next(record: RegistryRecord, step: str, *, renewed: bool) -> None:
    assert next_step(Link(record, 0, renewed), "dev", NOW) == step
