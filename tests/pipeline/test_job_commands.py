"""What a job's steps do with a report: comment, annotations, the run's summary and outputs."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.__main__ import main
from pipeline.comment import MARKER
from pipeline.model import UnitStatus
from pipeline.report import Report
from tests.pipeline import github_server
from tests.pipeline.github_server import Server
from tests.pipeline.reports import API, HEAD, NEWER, REGISTRY, finding, plan_set, planned


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    with github_server.running() as server:
        server.heads[7] = HEAD
        for name, value in server.environ.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
        monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
        yield server


@pytest.fixture
def written(tmp_path: Path) -> Path:
    one = finding()
    sets = (
        plan_set(planned(), planned(API, UnitStatus.WAITING, waits_for=(REGISTRY,))),
        plan_set(planned("prod/eu-west-1/prod/api", UnitStatus.UNCHANGED), scope="prod"),
        plan_set(planned("security/eu-west-1/ca/pki"), scope="security/ca"),
        plan_set(planned("non-prod/eu-west-1/account/dns-zone"), scope="non-prod/account"),
        plan_set(
            planned("non-prod/eu-west-1/stage/old", UnitStatus.REMOVED), scope="stage", destroy=True
        ),
    )
    path = tmp_path / "report.json"
    path.write_bytes(Report(sets=sets, findings=(one,), blocking=(one,)).to_bytes())
    return path


def test_a_job_annotates_summarises_and_says_which_scopes_there_is_something_to_apply_of(
    server: Server, written: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["summary", "--summary", str(written)]) == 0

    assert capsys.readouterr().out.startswith("::error file=live/")
    assert (tmp_path / "summary.md").read_text().startswith(MARKER)
    # Not prod, of which nothing changes; nor security/ca, which its administrator applies.
    assert (tmp_path / "output").read_text().splitlines() == [
        'scopes=["dev", "non-prod/account"]',
        'destroys=["stage"]',
    ]


def test_at_a_terminal_there_are_tables(
    written: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)

    assert main(["summary", "--summary", str(written)]) == 0

    assert capsys.readouterr().out.startswith("unit ")


def test_json_is_the_report_itself(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["summary", "--summary", str(written), "--json"]) == 0

    assert json.loads(capsys.readouterr().out) == json.loads(written.read_bytes())


def test_the_comment_is_written_and_updated(
    server: Server, written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULL_REQUEST", "7")
    monkeypatch.setenv("PULL_REQUEST_HEAD", HEAD)
    given = ["--summary", str(written), "--pull-request", "7", "--commit", HEAD]

    assert [main(["comment", *given]) for _ in range(2)] == [0, 0]
    assert main(["comment", "--superseded", "--pull-request", "7", "--commit", NEWER]) == 0

    (only,) = server.comments.values()
    assert "Out of date" in only["body"]
    assert "/actions/runs/30433642" in only["body"]


@pytest.mark.parametrize("number", ["", "x", "7; rm"])
def test_no_pull_request_is_no_usage(server: Server, written: Path, number: str) -> None:
    given = ["--summary", str(written), "--pull-request", number, "--commit", HEAD]

    assert main(["comment", *given]) == 2


def test_a_report_that_is_not_there_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["summary", "--summary", str(tmp_path / "none.json")]) == 1

    assert "there is no report" in capsys.readouterr().err


def test_a_report_of_nothing_is_no_scope(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(Report().to_bytes())

    assert main(["summary", "--summary", str(path)]) == 0

    assert (tmp_path / "output").read_text() == "scopes=[]\ndestroys=[]\n"
