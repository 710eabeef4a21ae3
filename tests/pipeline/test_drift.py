"""Drift, the noise in it that is known, and the issues about the rest."""

import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from pipeline import drift
from pipeline.__main__ import main
from pipeline.drift import DriftReport, Kind, update_issues
from pipeline.errors import PipelineError
from pipeline.model import PlannedUnit, UnitStatus
from pipeline.noise import FILE, Entry, Noise
from tests.pipeline import github_server
from tests.pipeline.github_server import Server, person
from tests.pipeline.reports import API, REGISTRY, planned, resource
from tools.paths import ROOT

TODAY = date(2026, 11, 24)
KNOWN = Entry(
    "*/*/*/http-api-mtls",
    "aws_apigatewayv2_stage.*",
    "deployment_id",
    "API Gateway deploys by itself",
    "platform",
    date(2027, 1, 31),
)
NOISE = Noise((KNOWN,))


def found(
    *,
    outside: Any = (),
    unapplied: Any = (),
    unit: PlannedUnit | None = None,
    noise: Noise = NOISE,
) -> DriftReport:
    one = unit or planned(API, UnitStatus.UNCHANGED)
    plan = {"resource_drift": list(outside), "resource_changes": list(unapplied)}
    return drift.find([one], {one.path: plan}, noise)


def kinds(report: DriftReport) -> list[tuple[str, Kind, list[str]]]:
    return [
        (one.address, one.kind, [entry.name for entry in one.attributes])
        for unit in report.units
        for one in unit.drifted
    ]


def test_what_changed_outside_is_drift() -> None:
    report = found(outside=[resource("a.b", {"n": 1, "m": 1}, {"n": 2, "m": 1})])

    assert kinds(report) == [("a.b", Kind.CHANGED, ["n"])]
    assert not report.is_clean


@pytest.mark.parametrize("empty", [False, 0, "", [], {}])
def test_nothing_and_an_empty_value_are_one(empty: Any) -> None:
    assert found(outside=[resource("a.b", {"n": None}, {"n": empty})]).is_clean
    assert not found(outside=[resource("a.b", {"n": True}, {"n": empty})]).is_clean


def test_what_the_code_says_and_nobody_applied_is_drift() -> None:
    report = found(unapplied=[resource("a.b", {"n": 1}, {"n": 2})])

    assert kinds(report) == [("a.b", Kind.UNAPPLIED, ["n"])]


def test_a_resource_that_is_gone_is_told_once() -> None:
    report = found(
        outside=[resource("a.b", {"n": 1}, None, "delete")],
        unapplied=[resource("a.b", None, {"n": 1}, "create")],
    )

    assert kinds(report) == [("a.b", Kind.GONE, [])]


def test_a_resource_that_left_the_code_is_drift() -> None:
    assert kinds(found(unapplied=[resource("a.b", {"n": 1}, None, "delete")])) == [
        ("a.b", Kind.EXTRA, [])
    ]


@pytest.mark.parametrize("actions", [("no-op",), ("read",)])
def test_what_is_as_it_should_be_is_none(actions: tuple[str, ...]) -> None:
    report = found(unapplied=[resource("a.b", {"n": 1}, {"n": 1}, *actions)])

    assert report.is_clean


def stage(name: str = "deployment_id") -> dict[str, Any]:
    return resource("aws_apigatewayv2_stage.this", {name: "a"}, {name: "b"})


def test_known_noise_is_listed_and_no_drift() -> None:
    report = found(outside=[stage()])

    assert report.is_clean
    (known,) = report.units[0].known
    assert (known.attribute, known.reason, known.owner, known.until) == (
        "deployment_id",
        "API Gateway deploys by itself",
        "platform",
        "2027-01-31",
    )


def test_noise_of_one_attribute_excuses_no_other() -> None:
    report = found(
        outside=[
            resource(
                "aws_apigatewayv2_stage.this",
                {"deployment_id": "a", "auto_deploy": True},
                {"deployment_id": "b", "auto_deploy": False},
            )
        ]
    )

    assert kinds(report) == [("aws_apigatewayv2_stage.this", Kind.CHANGED, ["auto_deploy"])]


@pytest.mark.parametrize(
    ("unit", "outside"),
    [
        (planned(REGISTRY, UnitStatus.UNCHANGED), stage()),
        (None, resource("aws_apigatewayv2_api.this", {"deployment_id": 1}, {"deployment_id": 2})),
        (None, stage("deployment_id_2")),
    ],
)
def test_noise_is_of_its_unit_resource_and_attribute(
    unit: PlannedUnit | None, outside: dict[str, Any]
) -> None:
    assert not found(outside=[outside], unit=unit).is_clean


def role(**after: Any) -> dict[str, Any]:
    """A unit with a role, a policy attached to it, and one within it."""
    values = [
        ("aws_iam_role_policy_attachment", {"role": "reader", "policy_arn": "arn:ours"}),
        ("aws_iam_role_policy", {"role": "reader", "name": "ours"}),
        ("aws_iam_role_policy_attachment", {"role": "other", "policy_arn": "arn:others"}),
    ]
    resources = [{"type": kind, "values": fields} for kind, fields in values]
    before: dict[str, Any] = {name: [] for name in after}
    changed = resource("module.m.aws_iam_role.this", before, {**after, "name": "reader"})
    changed["change"]["before"]["name"] = "reader"
    return {
        "planned_values": {"root_module": {"child_modules": [{"resources": resources}]}},
        "resource_drift": [changed],
    }


@pytest.mark.parametrize(
    ("after", "clean"),
    [
        ({"managed_policy_arns": ["arn:ours"]}, True),
        ({"inline_policy": [{"name": "ours", "policy": "{}"}]}, True),
        (
            {"managed_policy_arns": ["arn:ours", "arn:aws:iam::aws:policy/AdministratorAccess"]},
            False,
        ),
        ({"managed_policy_arns": ["arn:others"]}, False),
        ({"inline_policy": [{"name": "planted", "policy": "{}"}]}, False),
        ({"tags": ["arn:ours"]}, False),
    ],
)
def test_a_role_may_show_what_its_unit_attaches_and_nothing_else(
    after: dict[str, Any], *, clean: bool
) -> None:
    one = planned(REGISTRY, UnitStatus.UNCHANGED)

    assert drift.find([one], {REGISTRY: role(**after)}, Noise()).is_clean is clean


def test_expired_noise_is_drift_again_and_says_so() -> None:
    report = found(outside=[stage()], noise=Noise((), (KNOWN,)))

    assert not report.is_clean
    assert "until 2027-01-31" in report.expired[0]


@pytest.mark.parametrize("status", [UnitStatus.FAILED, UnitStatus.WAITING])
def test_a_unit_that_could_not_be_looked_at_is_not_clean(status: UnitStatus) -> None:
    report = found(unit=planned(API, status, reason="no credentials", waits_for=(REGISTRY,)))

    assert not report.is_clean
    assert report.units[0].unseen.startswith(status.value)


def test_a_secret_that_drifted_is_not_shown() -> None:
    entry = resource("a.b", {"n": "the-old-one"}, {"n": "the-new-one"}, after_sensitive={"n": True})

    text = found(outside=[entry]).to_bytes().decode() + rendered(found(outside=[entry]))

    assert "the-new-one" not in text
    assert "the-old-one" not in text


def rendered(report: DriftReport) -> str:
    console = Console(file=io.StringIO(), width=10_000)
    console.print(drift.render(report))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_table_lists_drift_and_then_what_is_known() -> None:
    text = rendered(found(outside=[stage(), resource("a.b", {"n": 1}, {"n": 2})]))

    assert "n: 1 -> 2" in text
    assert text.index("a.b") < text.index("API Gateway deploys by itself")


def test_what_is_written_is_read_again() -> None:
    report = found(outside=[stage(), resource("a.b", {"n": 1}, {"n": 2})])

    assert DriftReport.from_bytes(report.to_bytes()) == report


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"version": 9}'])
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(PipelineError, match="drift report is"):
        DriftReport.from_bytes(content)


# The file.

ENTRY: dict[str, Any] = {
    "unit": "*/*/*/http-api-mtls",
    "address": "aws_apigatewayv2_stage.this",
    "attribute": "deployment_id",
    "reason": "API Gateway deploys by itself",
    "owner": "platform",
    "until": date(2027, 1, 31),
}


def load(folder: Path, *entries: Any, today: date = TODAY) -> Noise:
    path = folder / "noise.yaml"
    path.write_text(yaml.safe_dump({"noise": list(entries)}))
    return Noise.load(path, today)


def test_entries_count_until_their_last_day(tmp_path: Path) -> None:
    assert len(load(tmp_path, ENTRY, today=date(2027, 1, 31)).entries) == 1
    assert len(load(tmp_path, ENTRY, today=date(2027, 2, 1)).expired) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"owner": None}, "entry 1: owner: expected text"),
        ({"reason": "noise"}, "entry 1: reason: say why"),
        ({"until": "2027-01-31x"}, "until: '2027-01-31x' is no day"),
        ({"until": datetime(2027, 1, 31, tzinfo=UTC)}, "is no day"),
        ({"until": date(2028, 6, 1)}, "at most 400 days ahead"),
        ({"unit": "http-api-mtls"}, "unit: 'http-api-mtls' is none"),
        ({"attribute": "*"}, "all of them is no noise"),
        ({"attribute": "*.*"}, "all of them is no noise"),
        ({"ticket": "X"}, "missing or unknown: ticket"),
    ],
)
def test_a_wrong_entry_is_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(PipelineError, match=said):
        load(tmp_path, ENTRY | change)


@pytest.mark.parametrize("field", sorted(ENTRY))
def test_an_incomplete_entry_is_refused(tmp_path: Path, field: str) -> None:
    with pytest.raises(PipelineError, match=f"missing or unknown: {field}"):
        load(tmp_path, {name: value for name, value in ENTRY.items() if name != field})


@pytest.mark.parametrize("text", ["", "[]", "noise: {}", "noise: []\nmore: 1", "noise: [1]", "\t:"])
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "noise.yaml"
    path.write_text(text)

    with pytest.raises(PipelineError, match=str(path)):
        Noise.load(path, TODAY)


def test_a_missing_file_says_what_an_empty_one_holds(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="does not exist"):
        Noise.load(tmp_path / "none.yaml", TODAY)


def test_a_pattern_is_no_regular_expression_and_stays_in_its_folder(tmp_path: Path) -> None:
    (entry,) = load(tmp_path, ENTRY | {"unit": "a/*/dev/x", "address": 'a.b["*"]'}).entries

    assert entry.covers("a/b/dev/x", 'a.b["one"]', "deployment_id.deep")
    assert not entry.covers("a/b/c/dev/x", 'a.b["one"]', "deployment_id")
    assert not entry.covers("a/b/dev/x", "aXb", "deployment_id")


def test_the_projects_own_file_is_valid() -> None:
    assert Noise.load(ROOT / FILE, TODAY).entries


# Issues.


@pytest.fixture
def server() -> Iterator[Server]:
    with github_server.running() as server:
        yield server


def drifted(value: int = 2) -> DriftReport:
    return found(outside=[resource("a.b", {"n": 1}, {"n": value})])


def test_a_unit_that_drifts_gets_one_issue_that_is_kept_up_to_date(server: Server) -> None:
    update_issues(server.client(), drifted())
    update_issues(server.client(), drifted(3))

    (issue,) = server.issues.values()
    assert issue["title"] == f"Drift: {API}"
    assert issue["labels"] == ["drift"]
    assert "n: 1 -> 3" in issue["body"]
    assert server.labels["drift"]["description"]


def test_an_issue_that_says_it_already_is_left_alone(server: Server) -> None:
    update_issues(server.client(), drifted())

    assert update_issues(server.client(), drifted()) == []


def test_it_is_closed_when_the_drift_is_gone_and_opened_again_when_it_is_back(
    server: Server,
) -> None:
    update_issues(server.client(), drifted())
    assert update_issues(server.client(), found()) == [f"closed #1 for {API}"]
    assert server.issues[1]["state"] == "closed"
    assert [comment["body"] for comment in server.comments.values()] == ["The drift is gone."]

    update_issues(server.client(), drifted())

    assert [(issue["number"], issue["state"]) for issue in server.issues.values()] == [(1, "open")]


def test_a_unit_that_could_not_be_looked_at_keeps_its_issue(server: Server) -> None:
    update_issues(server.client(), drifted())

    update_issues(server.client(), found(unit=planned(API, UnitStatus.FAILED, reason="x")))

    assert server.issues[1]["state"] == "open"


def test_units_have_issues_of_their_own(server: Server) -> None:
    update_issues(server.client(), drifted())
    other = found(
        outside=[resource("a.b", {"n": 1}, {"n": 2})], unit=planned(REGISTRY, UnitStatus.UNCHANGED)
    )

    update_issues(server.client(), other)

    assert [issue["title"] for issue in server.issues.values()] == [
        f"Drift: {API}",
        f"Drift: {REGISTRY}",
    ]


def test_an_issue_of_somebody_else_is_left_alone(server: Server) -> None:
    update_issues(server.client(), drifted())
    server.issues[1]["user"] = person("mallory")

    update_issues(server.client(), drifted(3))

    assert len(server.issues) == 2
    assert "n: 1 -> 2" in server.issues[1]["body"]


def test_a_large_drift_fits_into_an_issue(server: Server) -> None:
    many = [resource(f"a.b[{n}]", {"n": 1}, {"n": 2, "m": "x" * 79}) for n in range(5_000)]

    update_issues(server.client(), found(outside=many))

    assert len(server.issues[1]["body"]) < github_server.LIMIT
    assert "more lines: make drift shows them" in server.issues[1]["body"]


def test_the_command_takes_the_report_of_a_job(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in server.environ.items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "drift.json"
    path.write_bytes(drifted().to_bytes())

    assert main(["drift-issues", "--summary", str(path)]) == 0
    assert main(["drift-issues", "--summary", str(tmp_path / "none")]) == 1

    assert len(server.issues) == 1
