"""Tables for people, JSON for scripts, and a report that the next command reads."""

import dataclasses
import io
import json
from typing import Any

import pytest
from rich.console import Console

from pipeline import report
from pipeline.errors import PipelineError
from pipeline.model import Counts, FindingKind, Severity, UnitStatus
from pipeline.report import Report
from tests.pipeline.reports import API, REGISTRY, finding, plan_set, planned, resource

PLAN = {"resource_changes": [resource("aws_dynamodb_table.this", {"a": 1}, {"a": 2})]}


def rendered(whole: Report) -> str:
    console = Console(file=io.StringIO(), width=10_000)
    console.print(report.render(whole))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def whole() -> Report:
    deny = finding()
    waived = finding(rule="S3-001", waiver="SEC-12", days_left=5, address="aws_s3_bucket.logs")
    units = [
        planned(counts=Counts(add=1, change=2, destroy=3, replace=4)),
        planned(API, UnitStatus.WAITING, waits_for=(REGISTRY,)),
    ]
    return Report.of([plan_set(*units)], [waived, deny], [deny], {REGISTRY: PLAN})


def test_a_row_a_unit_with_what_its_plan_does_its_findings_and_its_time() -> None:
    lines = rendered(whole()).splitlines()

    assert lines[0].split()[:8] == [
        "unit",
        "status",
        "add",
        "change",
        "destroy",
        "replace",
        "findings",
        "time",
    ]
    (registry,) = [line for line in lines if line.startswith(REGISTRY)]
    assert registry.split()[1:9] == ["changed", "1", "2", "3", "4", "-", "2.5", "s"]


def test_what_only_the_state_is_told_of_stands_beside_the_status() -> None:
    taken = resource("aws_s3_bucket.x", {}, {}, "no-op")
    taken["change"]["importing"] = {"id": "example-tfstate"}
    moved = resource("a.new", {}, {}, "no-op") | {"previous_address": "a.old"}
    gone = resource("a.gone", {}, None, "forget")
    plan = {"resource_changes": [taken, moved, moved, gone]}
    one = plan_set(planned(counts=Counts.of(plan)))

    text = rendered(Report.of([one], [], [], {REGISTRY: plan}))

    (line,) = [line for line in text.splitlines() if line.startswith(REGISTRY)]
    assert "changed (1 imported, 2 moved, 1 forgotten)" in line
    assert line.split(")")[1].split()[:4] == ["-", "-", "1", "-"]


def test_a_waiting_unit_says_for_what() -> None:
    assert f"for {REGISTRY}" in rendered(whole())


def test_findings_and_waivers_have_tables_of_their_own() -> None:
    text = rendered(whole())

    assert "deny" in text
    assert "set mutual_tls_authentication" in text
    waived = next(line for line in text.splitlines() if "S3-001" in line)
    assert waived.split()[:3] == ["S3-001", "SEC-12", "5"]


def test_the_digest_of_each_scope_is_shown_whole() -> None:
    assert whole().sets[0].digest in rendered(whole())


def test_findings_that_block_come_first_then_the_worst() -> None:
    low = finding(rule="A-001", severity=Severity.LOW, kind=FindingKind.WARN)
    high = finding(rule="B-001", severity=Severity.HIGH, kind=FindingKind.WARN)
    blocks = finding(rule="C-001", severity=Severity.MEDIUM)

    found = Report(findings=(low, high, blocks), blocking=(blocks,)).open

    assert [one.rule for one in found] == ["C-001", "B-001", "A-001"]


def test_a_waived_finding_is_not_counted_against_its_unit() -> None:
    assert whole().findings_by_unit == {API: 1}


def test_what_cannot_be_waived_is_open_whatever_an_entry_says() -> None:
    one = finding(waiver="SEC-1", waivable=False)

    assert Report(findings=(one,), blocking=(one,)).open == (one,)


def test_what_is_written_is_read_again() -> None:
    one = whole()

    read = Report.from_bytes(one.to_bytes())

    assert read.to_document() == one.to_document()
    assert read.sets == one.sets
    assert read.blocking == one.blocking


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"version": 2}', b'{"version": 1}'])
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(PipelineError, match="report is"):
        Report.from_bytes(content)


def test_a_report_whose_set_was_altered_is_refused() -> None:
    document: dict[str, Any] = json.loads(whole().to_bytes())
    document["sets"][0]["set"]["units"] = []

    with pytest.raises(PipelineError, match="dev: its digest is another one"):
        Report.from_bytes(json.dumps(document).encode())


def test_a_control_character_does_not_reach_the_terminal() -> None:
    one = finding(message="\x1b]0;title\x07", address="a\nb")

    text = rendered(Report(findings=(one,), blocking=(one,)))

    assert "\x1b" not in text
    assert "a\\nb" in text


def test_rich_markup_in_a_message_is_text() -> None:
    assert "[red]x[/red]" in rendered(Report(findings=(finding(message="[red]x[/red]"),)))


@pytest.mark.parametrize(
    ("units", "blocking", "passed"),
    [
        ([], False, True),
        ([UnitStatus.CHANGED, UnitStatus.WAITING], False, True),
        ([UnitStatus.FAILED], False, False),
        ([UnitStatus.CHANGED], True, False),
    ],
)
def test_it_passes_when_nothing_blocks_and_every_plan_was_made(
    units: list[UnitStatus], *, blocking: bool, passed: bool
) -> None:
    sets = (plan_set(*(planned(f"a/b/dev/u{n}", status) for n, status in enumerate(units))),)
    found = (finding(),) if blocking else ()

    assert Report(sets=sets, findings=found, blocking=found).passed is passed


def test_time_is_no_part_of_the_digest() -> None:
    one = planned()
    slower = dataclasses.replace(one, seconds=99.0)

    assert plan_set(one).digest == plan_set(slower).digest
