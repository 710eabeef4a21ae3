"""What counts as ending, how urgent it is, and when a renewal is done."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientcert import RegistryRecord, RevocationReason, Status
from pki.expiry import (
    FORGOTTEN_AFTER,
    THRESHOLD_DAYS,
    Item,
    Kind,
    Outlook,
    Urgency,
    authorities,
    by_urgency,
    leaves,
    superseded,
    truststore_entries,
)
from tests.pki.support import NOW, Hierarchy, build_hierarchy, client_record

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


def leaf(name: str, **changes: object) -> RegistryRecord:
    """A usable certificate; one letter makes its fingerprint."""
    settled = {
        "not_before": NOW - 30 * DAY,
        "not_after": NOW + 100 * DAY,
        "issued_at": NOW,
    } | changes
    return client_record(name * 64, **settled)


def revoked(record: RegistryRecord) -> RegistryRecord:
    return replace(
        record,
        status=Status.REVOKED,
        revoked_at=NOW,
        revocation_reason=RevocationReason.KEY_COMPROMISE,
    )


def item(ends: datetime, *, renewed: bool = False, kind: Kind = Kind.LEAF) -> Item:
    return Item(
        kind=kind,
        name="device-001",
        identifier="a" * 64,
        issuer="CN=example dev Issuing CA G1",
        begins=NOW - 300 * DAY,
        ends=ends,
        renewed=renewed,
    )


class TestUrgency:
    @pytest.mark.parametrize("days", THRESHOLD_DAYS)
    def test_a_threshold_is_passed_when_less_than_its_days_remain(self, days: int) -> None:
        assert Urgency.of(NOW + days * DAY - SECOND, NOW) == Urgency(
            f"within-{days}-day{'' if days == 1 else 's'}"
        )

    @pytest.mark.parametrize("days", THRESHOLD_DAYS)
    def test_exactly_its_days_do_not_pass_a_threshold(self, days: int) -> None:
        urgencies = list(Urgency)
        passed = urgencies.index(Urgency(f"within-{days}-day{'' if days == 1 else 's'}"))
        assert urgencies.index(Urgency.of(NOW + days * DAY, NOW)) == passed + 1

    def test_the_last_second_is_not_expired(self) -> None:
        assert Urgency.of(NOW, NOW) is Urgency.WITHIN_1_DAY

    def test_a_second_later_is_expired(self) -> None:
        assert Urgency.of(NOW - SECOND, NOW) is Urgency.EXPIRED

    @given(st.timedeltas(-1000 * DAY, 1000 * DAY), st.timedeltas(-1000 * DAY, 1000 * DAY))
    def test_what_ends_sooner_is_never_less_urgent(self, one: timedelta, two: timedelta) -> None:
        order = list(Urgency)
        sooner, later = sorted((one, two))
        assert order.index(Urgency.of(NOW + sooner, NOW)) <= order.index(
            Urgency.of(NOW + later, NOW)
        )

    def test_there_is_one_for_each_threshold(self) -> None:
        assert len(Urgency) == len(THRESHOLD_DAYS) + len({Urgency.EXPIRED, Urgency.LATER})


def test_the_modules_alarms_are_at_these_thresholds_and_kinds() -> None:
    variables = Path(__file__).parents[2] / "modules" / "watch" / "variables.tf"
    default = variables.read_text().partition('variable "alarm_days"')[2].partition("validation")[0]
    found = {
        kind: tuple(map(int, days.split(", ")))
        for kind, days in re.findall(r"^    ([a-z-]+) += \[([0-9, ]+)\]$", default, re.MULTILINE)
    }
    assert found == {kind.value: THRESHOLD_DAYS for kind in Kind}


class TestLeaves:
    def test_a_usable_certificate_ends_with_its_validity(self) -> None:
        (found,) = leaves([leaf("a")], NOW)
        assert (found.name, found.ends, found.renewed) == ("device-001", NOW + 100 * DAY, False)

    def test_one_that_will_retire_ends_then(self) -> None:
        (found,) = leaves([leaf("a", retires_at=NOW + 3 * DAY)], NOW)
        assert found.ends == NOW + 3 * DAY

    def test_a_retired_one_is_left_out(self) -> None:
        assert list(leaves([leaf("a", retires_at=NOW)], NOW)) == []

    def test_a_revoked_one_is_left_out(self) -> None:
        assert list(leaves([revoked(leaf("a"))], NOW)) == []

    def test_an_expired_one_is_reported_for_a_while(self) -> None:
        (found,) = leaves([leaf("a", not_after=NOW - FORGOTTEN_AFTER)], NOW)
        assert found.urgency(NOW) is Urgency.EXPIRED

    def test_an_expired_one_is_forgotten_afterwards(self) -> None:
        assert list(leaves([leaf("a", not_after=NOW - FORGOTTEN_AFTER - SECOND)], NOW)) == []

    def test_one_with_a_successor_is_renewed(self) -> None:
        old, new = leaf("a"), leaf("b", renewed_from="a" * 64)
        found = {entry.identifier[0]: entry.renewed for entry in leaves([old, new], NOW)}
        assert found == {"a": True, "b": False}


class TestSuperseded:
    @pytest.mark.parametrize(
        "successor",
        [
            revoked(leaf("b", renewed_from="a" * 64)),
            leaf("b", renewed_from="a" * 64, retires_at=NOW - SECOND),
            leaf("b", renewed_from="a" * 64, not_after=NOW - SECOND),
            leaf("b", renewed_from="a" * 64, client_id="device-002"),
            leaf("b"),
        ],
        ids=["revoked", "retired", "expired", "of another client", "not its renewal"],
    )
    def test_a_successor_that_cannot_be_used_is_none(self, successor: RegistryRecord) -> None:
        assert superseded([leaf("a"), successor], NOW) == frozenset()

    def test_a_successor_whose_first_day_is_to_come_is_one(self) -> None:
        later = leaf("b", renewed_from="a" * 64, not_before=NOW + DAY)
        assert superseded([leaf("a"), later], NOW) == {"a" * 64}

    def test_the_renewal_of_a_renewal_counts_though_the_one_between_is_revoked(self) -> None:
        chain = [
            leaf("a"),
            revoked(leaf("b", renewed_from="a" * 64)),
            leaf("c", renewed_from="b" * 64),
        ]
        assert superseded(chain, NOW) == {"a" * 64, "b" * 64}

    def test_a_predecessor_that_nobody_knows_ends_the_chain(self) -> None:
        assert superseded([leaf("b", renewed_from="a" * 64)], NOW) == frozenset()

    def test_a_circle_ends_too(self) -> None:
        circle = [leaf("a", renewed_from="b" * 64), leaf("b", renewed_from="a" * 64)]
        assert superseded(circle, NOW) == {"a" * 64, "b" * 64}


class TestAuthorities:
    def test_root_and_issuing_are_told_apart(self, hierarchy: Hierarchy) -> None:
        found = authorities([hierarchy.issuing.certificate, hierarchy.root.certificate])
        assert [entry.kind for entry in found] == [Kind.ISSUING_CA, Kind.ROOT_CA]

    def test_a_later_one_of_its_kind_renews_a_ca(self, hierarchy: Hierarchy) -> None:
        second = build_hierarchy(now=NOW + 100 * DAY, generation="G2")
        first, new, root = authorities(
            [
                hierarchy.issuing.certificate,
                second.issuing.certificate,
                hierarchy.root.certificate,
            ]
        )
        assert (first.renewed, new.renewed, root.renewed) == (True, False, False)

    def test_an_entry_of_the_truststore_is_never_renewed(self, hierarchy: Hierarchy) -> None:
        second = build_hierarchy(now=NOW + 100 * DAY, generation="G2")
        found = truststore_entries([hierarchy.issuing.certificate, second.issuing.certificate])
        assert [entry.renewed for entry in found] == [False, False]


class TestOutlook:
    def test_counts_below_each_threshold_include_the_smaller_ones_and_the_expired(self) -> None:
        items = [item(NOW - DAY), item(NOW + 5 * DAY), item(NOW + 59 * DAY), item(NOW + 60 * DAY)]
        outlook = Outlook.of(Kind.LEAF, items, NOW)
        assert outlook.below == {60: 3, 30: 2, 14: 2, 7: 2, 1: 1}
        assert outlook.days_to_next == -1

    def test_what_is_renewed_counts_nowhere(self) -> None:
        outlook = Outlook.of(Kind.LEAF, [item(NOW + DAY, renewed=True)], NOW)
        assert (set(outlook.below.values()), outlook.days_to_next) == ({0}, None)

    def test_other_kinds_count_nowhere(self) -> None:
        assert Outlook.of(Kind.SERVER, [item(NOW + DAY)], NOW).due == ()

    def test_urgencies_leave_out_what_is_renewed(self) -> None:
        found = by_urgency([item(NOW + DAY), item(NOW - DAY, renewed=True)], NOW)
        assert {urgency: count for urgency, count in found.items() if count} == {
            Urgency.WITHIN_7_DAYS: 1
        }
