"""The register of waivers: what holds, what is refused, and what hostile input comes to."""

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model import Finding, FindingKind, Severity, Source
from pipeline.verdict import judge
from pipeline.waivers import HORIZON, Register, Waiver

TODAY = date(2026, 6, 15)

FINDING = Finding(
    rule="S3-001",
    kind=FindingKind.DENY,
    severity=Severity.HIGH,
    source=Source.OPA,
    title="title",
    unit="non-prod/eu-west-1/dev/truststore",
    address="aws_s3_bucket.this[0]",
    message="message",
    remedy="remedy",
    link="https://example.com",
    file="modules/truststore/main.tf",
)

ENTRY: dict[str, Any] = {
    "rule": "S3-001",
    "resource": "aws_s3_bucket.this[0]",
    "owner": "platform-team",
    "reason": "The bucket moves to another account.",
    "expires": "2026-06-30",
    "ticket": "PLAT-1",
}

KNOWN = {"S3-001": True, "GATE-001": False, "CKV_AWS_18": True}


def parse(*entries: object, today: date = TODAY) -> Register:
    return Register.parse(json.dumps({"waivers": entries}), today)


def applied(
    register: Register, *findings: Finding, judged: tuple[str, ...] = ()
) -> tuple[Finding, ...]:
    return register.apply(findings, KNOWN, judged=judged)


def test_an_entry_waives_what_it_names() -> None:
    (finding,) = applied(parse(ENTRY), FINDING)

    assert finding == replace(FINDING, waiver="PLAT-1", days_left=15)
    assert judge([finding], production=True).passed


def test_an_entry_holds_through_its_last_day() -> None:
    (finding,) = applied(parse(ENTRY, today=date(2026, 6, 30)), FINDING)

    assert finding.days_left == 0


def test_the_entry_that_lasts_longest_counts() -> None:
    register = parse(ENTRY, ENTRY | {"expires": "2026-07-15", "ticket": "PLAT-2"})

    (finding,) = applied(register, FINDING)

    assert (finding.waiver, finding.days_left) == ("PLAT-2", 30)


@pytest.mark.parametrize(
    ("changes", "covered"),
    [
        ({"resource": "modules/truststore/main.tf"}, True),
        ({"resource": "modules/truststore/*"}, True),
        ({"resource": "aws_s3_bucket.*"}, True),
        ({"resource": "aws_s3_bucket.this0"}, False),  # brackets are part of an address
        ({"resource": "aws_s3_bucket.this"}, False),
        ({"resource": "aws_s3_bucket.thi?[0]"}, False),
        ({"resource": "module.x.aws_s3_bucket.this[0]"}, False),
        ({"unit": "non-prod/eu-west-1/dev/truststore"}, True),
        ({"unit": "non-prod/*/dev/*"}, True),
        ({"unit": "prod/*"}, False),
        ({"rule": "S3-002"}, False),
    ],
)
def test_what_an_entry_covers(changes: dict[str, str], *, covered: bool) -> None:
    (waiver,) = parse(ENTRY | changes).waivers

    assert waiver.covers(FINDING) is covered


def test_nothing_waives_a_rule_that_may_not_be_waived() -> None:
    finding = replace(FINDING, rule="GATE-001", waivable=False)

    kept, refusal = applied(parse(ENTRY | {"rule": "GATE-001"}), finding)

    assert kept == finding
    assert (refusal.rule, refusal.waivable) == ("WAIVER-005", False)


def test_an_expired_entry_is_refused_and_waives_nothing() -> None:
    kept, refusal = applied(parse(ENTRY, today=date(2026, 7, 1)), FINDING)

    assert kept == FINDING
    assert refusal.rule == "WAIVER-002"
    assert refusal.message == (
        "S3-001 for aws_s3_bucket.this[0] expired on 2026-06-30 (platform-team)"
    )
    assert not judge([refusal], production=False).passed


@pytest.mark.parametrize("day", ["2026-02-30", "0000-00-00", "9999-99-99", "2026-13-01"])
def test_a_day_that_does_not_exist_has_expired(day: str) -> None:
    register = parse(ENTRY | {"expires": day})

    assert [finding.rule for finding in register.refused] == ["WAIVER-002"]


def test_an_entry_must_end_within_the_horizon() -> None:
    last = TODAY + HORIZON

    assert parse(ENTRY | {"expires": last.isoformat()}).waivers
    register = parse(ENTRY | {"expires": (last + timedelta(days=1)).isoformat()})
    assert register.waivers == ()
    assert [finding.rule for finding in register.refused] == ["WAIVER-003"]
    assert register.refused[0].message.endswith("181 days")


def test_an_entry_for_no_rule_is_refused() -> None:
    kept, refusal = applied(parse(ENTRY | {"rule": "S3-999"}), FINDING)

    assert (kept, refusal.rule) == (FINDING, "WAIVER-004")


def test_checkovs_rules_are_known_only_where_it_ran() -> None:
    register = parse(ENTRY | {"rule": "CKV_AWS_999"})

    assert [finding.rule for finding in register.apply([], {"S3-001": True})] == []
    assert [finding.rule for finding in register.apply([], KNOWN)] == ["WAIVER-004"]


def test_an_entry_that_is_not_needed_is_told_of_where_all_was_judged() -> None:
    assert applied(parse(ENTRY)) == ()
    (finding,) = applied(parse(ENTRY), judged=("S3-001",))
    assert (finding.rule, finding.kind) == ("WAIVER-006", FindingKind.WARN)


def test_one_entry_serves_both_scanners() -> None:
    finding = replace(FINDING, rule="CKV_AWS_18", source=Source.CHECKOV)

    (waived,) = applied(parse(ENTRY | {"rule": "CKV_AWS_18"}), finding)

    assert waived.waiver == "PLAT-1"


def test_the_rest_of_a_register_holds_beside_a_malformed_entry() -> None:
    register = parse({"rule": "S3-001"}, ENTRY)

    assert len(register.waivers) == 1
    assert {finding.rule for finding in register.refused} == {"WAIVER-001"}


@pytest.mark.parametrize(
    "changes",
    [
        {"reason": "because"},
        {"reason": None},
        {"owner": " "},
        {"ticket": ""},
        {"rule": "everything"},
        {"rule": "*"},
        {"resource": "*"},
        {"resource": "**"},
        {"resource": "*.*"},
        {"resource": "a b"},
        {"expires": "never"},
        {"expires": "30.06.2026"},
        {"expires": 20260630},
        {"forever": True},
        {"unit": ""},
    ],
)
def test_a_malformed_entry_is_refused_and_waives_nothing(changes: dict[str, object]) -> None:
    kept, *refused = applied(parse(ENTRY | changes), FINDING)

    assert kept == FINDING
    assert {finding.rule for finding in refused} == {"WAIVER-001"}


WIDE = ["*aws*", "aws_*", "aws_s3_bucket*", "*_bucket.this*", "module.*", "*this[0]", "*main.tf"]


@pytest.mark.parametrize("resource", WIDE)
@pytest.mark.parametrize("unit", [None, "*", "**/*", "*-prod/*", "*eu-west-1*"])
def test_what_names_no_type_takes_a_unit_of_one_account(resource: str, unit: str | None) -> None:
    entry = ENTRY | {"resource": resource} | ({} if unit is None else {"unit": unit})

    register = parse(entry)

    assert register.waivers == ()
    assert [finding.rule for finding in register.refused] == ["WAIVER-001"]
    assert "unit" in register.refused[0].message


@pytest.mark.parametrize("resource", WIDE)
def test_with_such_a_unit_it_holds(resource: str) -> None:
    assert parse(ENTRY | {"resource": resource, "unit": "non-prod/*"}).waivers


@pytest.mark.parametrize(
    "resource",
    ["aws_s3_bucket.*", "*.aws_s3_bucket.this", "module.x[*].aws_kms_key.this", "live/*"],
)
def test_what_names_a_type_or_a_folder_takes_none(resource: str) -> None:
    assert parse(ENTRY | {"resource": resource}).waivers


@pytest.mark.parametrize("key", sorted(set(ENTRY)))
def test_an_entry_says_everything(key: str) -> None:
    register = parse({name: value for name, value in ENTRY.items() if name != key})

    assert register.waivers == ()
    assert f"'{key}' is a required property" in register.refused[0].message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "waivers:",
        "waivers: {}",
        "waivers: all",
        "waivers: []\nmore: []",
        "waivers: []\nwaivers: []",
        "waivers: [",
        "\tx",
        "a: &a [*a]",
        "waivers: [!!python/object/apply:os.system [id]]",
        "{{}: 1}",
        "---\nwaivers: []\n---\nwaivers: []\n",
    ],
)
def test_a_register_of_another_form_is_refused(text: str) -> None:
    register = Register.parse(text, TODAY)

    assert register.waivers == ()
    assert {finding.rule for finding in register.refused} == {"WAIVER-001"}


def test_a_small_file_does_not_become_a_large_one() -> None:
    levels = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 40)]

    register = Register.parse("\n".join(["l0: &l0 [x]", *levels, "waivers: []"]), TODAY)

    assert "an alias" in register.refused[0].message


def test_a_register_that_is_missing_is_refused(tmp_path: Path) -> None:
    register = Register.load(tmp_path / "waivers.yaml", TODAY)

    assert [finding.rule for finding in register.refused] == ["WAIVER-001"]


def test_findings_about_the_register_name_the_line() -> None:
    text = f"# head\nwaivers:\n  - {json.dumps(ENTRY)}\n  - {json.dumps(ENTRY | {'owner': ''})}\n"

    register = Register.parse(text, TODAY)

    assert [finding.line for finding in register.refused] == [4]
    assert [waiver.line for waiver in register.waivers] == [3]


def test_days_and_numbers_are_texts_as_they_stand() -> None:
    text = yaml.safe_dump({"waivers": [ENTRY]}).replace("'2026-06-30'", "2026-06-30")

    assert Register.parse(text, TODAY).waivers[0].expires == date(2026, 6, 30)


def test_this_projects_own_register_holds() -> None:
    assert Register.load().refused == ()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.text(max_size=200))
def test_no_text_waives_anything_or_raises(text: str) -> None:
    assert Register.parse(text, TODAY).apply([FINDING], KNOWN)[0] == FINDING


@given(json_values)
def test_no_document_waives_anything_or_raises(document: object) -> None:
    register = Register.parse(json.dumps(document), TODAY)

    assert register.waivers == ()


@given(st.sampled_from(sorted(ENTRY)), json_values)
def test_a_strange_value_never_waives_more(key: str, value: object) -> None:
    register = parse(ENTRY | {key: value})

    for waiver in register.waivers:
        assert TODAY <= waiver.expires <= TODAY + HORIZON
        assert all(isinstance(getattr(waiver, name), str) for name in ENTRY if name != "expires")
        assert waiver.reason.strip()
        assert waiver.ticket.strip()
    assert bool(register.waivers) != bool(register.refused)


@given(st.dates(), st.dates())
def test_an_entry_holds_from_today_to_the_horizon_and_on_no_other_day(
    today: date, expires: date
) -> None:
    entry = ENTRY | {"expires": expires.isoformat()}
    expected = timedelta(0) <= expires - today <= HORIZON

    assert bool(parse(entry, today=today).waivers) is expected


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_pattern_without_a_star_is_the_name_alone(pattern: str, name: str) -> None:
    waiver = Waiver("S3-001", pattern, "", "o", "r", TODAY, "t")

    if "*" not in pattern and pattern != name:
        assert not waiver.covers(replace(FINDING, address=name, file=""))
