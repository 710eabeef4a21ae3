"""The verdict over findings."""

from dataclasses import replace

import pytest

from pipeline.errors import RefusedError
from pipeline.model import Finding, FindingKind, Severity, Source
from pipeline.verdict import judge

FINDING = Finding(
    rule="S3-001",
    kind=FindingKind.DENY,
    severity=Severity.HIGH,
    source=Source.OPA,
    title="title",
    unit="",
    address="aws_s3_bucket.this",
    message="message",
    remedy="remedy",
    link="https://example.com",
)


@pytest.mark.parametrize(
    ("kind", "production", "passed"),
    [
        (FindingKind.DENY, False, False),
        (FindingKind.DENY, True, False),
        (FindingKind.UNDECIDED, False, True),
        (FindingKind.UNDECIDED, True, False),
        (FindingKind.WARN, False, True),
        (FindingKind.WARN, True, True),
    ],
)
def test_what_blocks(kind: FindingKind, *, production: bool, passed: bool) -> None:
    finding = replace(FINDING, kind=kind)

    verdict = judge([finding], production=production)

    assert verdict.passed is passed
    assert verdict.blocking == (() if passed else (finding,))


def test_every_kind_of_finding_has_a_verdict() -> None:
    for kind in FindingKind:
        judge([replace(FINDING, kind=kind)], production=True)


def test_what_is_waived_does_not_block() -> None:
    assert judge([replace(FINDING, waiver="T-1")], production=True).passed


def test_what_nothing_may_waive_blocks_whoever_waived_it() -> None:
    finding = replace(FINDING, waiver="T-1", waivable=False)

    assert not judge([finding], production=False).passed


def test_no_findings_pass() -> None:
    judge([], production=True).require()


def test_a_refusal_names_the_rules() -> None:
    with pytest.raises(RefusedError, match=r"2 findings \(S3-001, S3-002\)"):
        judge([FINDING, replace(FINDING, rule="S3-002")], production=False).require()
