"""Running OPA: whatever is no answer of the gate is a refusal."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from pipeline import policy, rules
from pipeline.errors import CommandFailedError, PipelineError
from pipeline.model import FindingKind, Severity, Source
from pipeline.policy import Opa, evaluate_live, evaluate_plans

FINDING = {
    "id": "S3-001",
    "severity": "high",
    "title": "title",
    "address": "aws_s3_bucket.this",
    "message": "message",
    "remedy": "remedy",
    "link": "https://example.com",
    "waivable": True,
}

RESULT: dict[str, Any] = {"deny": [FINDING], "warn": [], "undecided": []}

UNIT = "non-prod/eu-west-1/dev/truststore"


class FakeOpa:
    """An ``opa`` on PATH that answers what a test wants."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def answers(self, output: str, code: int = 0) -> Opa:
        (self.folder / "output").write_text(output)
        script = self.folder / "opa"
        script.write_text(f"#!/bin/sh\necho said >&2\ncat {self.folder}/output\nexit {code}\n")
        script.chmod(0o755)
        return Opa({"PATH": f"{self.folder}:{os.defpath}"})


@pytest.fixture
def fake(tmp_path: Path) -> FakeOpa:
    return FakeOpa(tmp_path / "bin")


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    file = tmp_path / "input.json"
    file.write_text("{}")
    return file


def test_findings_carry_everything_that_the_rule_says(fake: FakeOpa, plan: Path) -> None:
    opa = fake.answers(json.dumps({"result": [{"path": str(plan), "result": RESULT}]}))

    (finding,) = evaluate_plans({UNIT: plan}, opa=opa)

    assert (finding.rule, finding.kind, finding.source) == ("S3-001", FindingKind.DENY, Source.OPA)
    assert (finding.severity, finding.unit) == (Severity.HIGH, UNIT)
    assert (finding.address, finding.waivable) == ("aws_s3_bucket.this", True)


def test_a_finding_that_does_not_say_so_is_not_waivable(fake: FakeOpa, plan: Path) -> None:
    entry = {key: value for key, value in FINDING.items() if key != "waivable"}
    result = RESULT | {"deny": [entry]}
    opa = fake.answers(json.dumps({"result": [{"path": str(plan), "result": result}]}))

    assert not evaluate_plans({UNIT: plan}, opa=opa)[0].waivable


@pytest.mark.parametrize(
    "output",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"result": {}}',
        '{"result": []}',
        '{"result": [null]}',
        '{"result": [{"path": "PLAN"}]}',
        '{"result": [{"path": "PLAN", "error": {"message": "x"}}]}',
        '{"result": [{"path": "PLAN", "result": null}]}',
        '{"result": [{"path": "PLAN", "result": {}}]}',
        '{"result": [{"path": "PLAN", "result": {"deny": []}}]}',
        '{"result": [{"path": "PLAN", "result": {"deny": {}, "warn": [], "undecided": []}}]}',
        '{"result": [{"path": "PLAN", "result": {"deny": [1], "warn": [], "undecided": []}}]}',
        '{"result": [{"path": "PLAN", "result": {"deny": [{}], "warn": [], "undecided": []}}]}',
        '{"result": [{"path": "/x", "result": {"deny": [], "warn": [], "undecided": []}}]}',
    ],
)
def test_what_is_no_answer_is_a_refusal(output: str, fake: FakeOpa, plan: Path) -> None:
    with pytest.raises(PipelineError, match="no answer, which is no permission"):
        evaluate_plans({UNIT: plan}, opa=fake.answers(output.replace("PLAN", str(plan))))


@pytest.mark.parametrize(
    "changes", [{"severity": "urgent"}, {"id": ""}, {"id": None}, {"message": 3}, {"link": None}]
)
def test_a_finding_without_a_rule_is_no_answer(
    changes: dict[str, object], fake: FakeOpa, plan: Path
) -> None:
    result = RESULT | {"warn": [FINDING | changes]}
    opa = fake.answers(json.dumps({"result": [{"path": str(plan), "result": result}]}))

    with pytest.raises(PipelineError, match="a finding has no"):
        evaluate_plans({UNIT: plan}, opa=opa)


def test_two_answers_about_one_plan_are_none(fake: FakeOpa, plan: Path) -> None:
    entry = {"path": str(plan), "result": {"deny": [], "warn": [], "undecided": []}}

    with pytest.raises(PipelineError, match="two answers"):
        evaluate_plans({UNIT: plan}, opa=fake.answers(json.dumps({"result": [entry, entry]})))


def test_one_file_for_two_units_is_refused(fake: FakeOpa, plan: Path) -> None:
    with pytest.raises(PipelineError, match="one plan document"):
        evaluate_plans({UNIT: plan, "a/b/c/d": plan}, opa=fake.answers(""))


def test_no_plans_are_no_findings_and_no_process(tmp_path: Path) -> None:
    assert evaluate_plans({}, opa=Opa({"PATH": str(tmp_path)})) == ()


def test_opa_that_fails_has_judged_nothing(fake: FakeOpa, plan: Path) -> None:
    with pytest.raises(CommandFailedError, match="nothing was judged:\nsaid"):
        evaluate_plans({UNIT: plan}, opa=fake.answers("{}", code=2))


def test_opa_that_is_not_there_is_said(plan: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandFailedError, match="opa is not on PATH"):
        evaluate_plans({UNIT: plan}, opa=Opa({"PATH": str(tmp_path)}))


@pytest.mark.parametrize(
    "output",
    [
        "{}",
        '{"result": []}',
        '{"result": [{"expressions": []}]}',
        '{"result": [{"expressions": [{"value": {}}]}]}',
        '{"result": [{"expressions": [{"value": {"deny": [], "warn": []}}]}]}',
    ],
)
def test_no_answer_about_live_is_a_refusal(output: str, fake: FakeOpa) -> None:
    with pytest.raises(PipelineError, match="no permission"):
        evaluate_live({"units": []}, fake.answers(output))


def test_an_empty_configuration_is_denied(gate_tools: dict[str, str]) -> None:
    findings = evaluate_live({}, Opa(gate_tools))

    assert {finding.rule for finding in findings} >= {"GATE-003"}
    assert not any(finding.waivable for finding in findings)


@pytest.mark.parametrize("content", ["{}", "[]", "3", '{"format_version": "1.2"}'])
def test_what_is_no_plan_is_denied(content: str, plan: Path, gate_tools: dict[str, str]) -> None:
    plan.write_text(content)

    findings = evaluate_plans({UNIT: plan}, opa=Opa(gate_tools))

    assert FindingKind.DENY in {finding.kind for finding in findings}


def test_what_is_no_json_is_a_refusal(plan: Path, gate_tools: dict[str, str]) -> None:
    plan.write_text("{")

    with pytest.raises(PipelineError, match=f"{UNIT}"):
        evaluate_plans({UNIT: plan}, opa=Opa(gate_tools))


def test_a_plan_that_is_missing_is_a_refusal(tmp_path: Path, gate_tools: dict[str, str]) -> None:
    with pytest.raises(PipelineError):
        evaluate_plans({UNIT: tmp_path / "none.json"}, opa=Opa(gate_tools))


def test_a_second_bundle_brings_facts(
    plan: Path, tmp_path: Path, gate_tools: dict[str, str]
) -> None:
    data = tmp_path / "data"
    (data / "images").mkdir(parents=True)
    (data / ".manifest").write_text('{"roots": ["images"]}')
    (data / "images" / "data.json").write_text("{}")

    assert evaluate_plans({UNIT: plan}, opa=Opa(gate_tools, policy.POLICIES, data))


def test_many_plans_are_judged_in_one_process(tmp_path: Path, gate_tools: dict[str, str]) -> None:
    # The same work in both: what a process costs must not be paid for each plan.
    inputs = {}
    for number in range(50):
        inputs[f"a/b/c/u{number}"] = tmp_path / f"{number}.json"
        inputs[f"a/b/c/u{number}"].write_text('{"format_version": "1.2"}')
    opa = Opa(gate_tools)

    def seconds(chosen: dict[str, Path]) -> float:
        start = time.perf_counter()
        evaluate_plans(chosen, opa=opa)
        return time.perf_counter() - start

    one = min(seconds(dict(list(inputs.items())[:1])) for _ in range(3))
    assert seconds(inputs) < 25 * one


def test_every_rule_describes_itself(gate_tools: dict[str, str]) -> None:
    found = rules.policy_rules(Opa(gate_tools))

    assert {rule.package.partition(".")[0] for rule in found} == {"gate", "live", "plan"}
    assert all(rule.links and rule.remedy and rule.description for rule in found)
    assert {rule.id for rule in found if rule.package == "gate.plan"} == {"GATE-001", "GATE-002"}


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ("# custom:\n#   id: X-001\n#   severity: high\n#   remedy: r", "METADATA is incomplete"),
        (
            "# description: d\n# related_resources: [https://x]\n# custom:\n#   id: X-001\n"
            "#   severity: urgent\n#   remedy: r",
            "METADATA is incomplete",
        ),
    ],
)
def test_a_rule_that_does_not_is_refused(
    metadata: str, message: str, tmp_path: Path, gate_tools: dict[str, str]
) -> None:
    (tmp_path / "x.rego").write_text(f"# METADATA\n# title: t\n{metadata}\npackage live.x.y\n")

    with pytest.raises(PipelineError, match=message):
        rules.policy_rules(Opa(gate_tools, tmp_path))


def test_two_rules_with_one_id_are_refused(tmp_path: Path, gate_tools: dict[str, str]) -> None:
    for name in ("y", "z"):
        (tmp_path / f"{name}.rego").write_text(
            "# METADATA\n# title: t\n# description: d\n# related_resources: [https://x]\n"
            f"# custom:\n#   id: X-001\n#   severity: high\n#   remedy: r\npackage live.x.{name}\n"
        )

    with pytest.raises(PipelineError, match=r"X-001 is the id of live.x.y and of live.x.z"):
        rules.policy_rules(Opa(gate_tools, tmp_path))
