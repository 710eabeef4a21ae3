"""The policies' metadata: what waivers, findings and documentation name a rule by."""

import json
import subprocess
from collections import Counter
from typing import Any

import pytest

from tools.paths import ROOT

POLICIES = ROOT / "policies"
SEVERITIES = {"critical", "high", "medium", "low"}
NEVER_WAIVED = {
    "ACCOUNT-001",
    "ACCOUNT-003",
    "APIGW-001",
    "APIGW-002",
    "APIGW-005",
    "GATE-001",
    "GATE-002",
    "IAM-005",
    "MOCK-001",
    "SUPPLY-001",
    "SUPPLY-002",
    "SUPPLY-003",
}
"""What no waiver may excuse."""


@pytest.fixture(scope="module")
def annotations() -> list[dict[str, Any]]:
    """All annotations below policies/, each with the `name` of its package or rule."""
    inspected = subprocess.run(
        ["opa", "inspect", "--annotations", "--format=json", str(POLICIES)],
        capture_output=True,
        text=True,
        check=True,
    )
    return [
        {"name": "/".join(part["value"] for part in entry["path"][1:]), **entry["annotations"]}
        for entry in json.loads(inspected.stdout)["annotations"]
    ]


@pytest.fixture(scope="module")
def rules(annotations: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The annotations that have an id, by it."""
    return {rule["custom"]["id"]: rule for rule in annotations if "id" in rule.get("custom", {})}


def test_every_rule_has_metadata_and_a_test(rules: dict[str, dict[str, Any]]) -> None:
    files = {path.relative_to(POLICIES / "plan") for path in POLICIES.glob("plan/**/*.rego")}
    names = {path.with_suffix("").as_posix() for path in files}
    tests = {name for name in names if name.endswith("_test")}
    packages = {
        rule["name"].removeprefix("plan/")
        for rule in rules.values()
        if rule["name"].startswith("plan/") and rule["scope"] == "package"
    }

    assert packages == names - tests
    assert tests == {f"{name}_test" for name in packages}


def test_ids_are_unique(annotations: list[dict[str, Any]]) -> None:
    ids = Counter(rule["custom"]["id"] for rule in annotations if "id" in rule.get("custom", {}))

    assert [name for name, count in ids.items() if count > 1] == []


def test_every_rule_says_why_how_bad_and_what_to_do(rules: dict[str, dict[str, Any]]) -> None:
    for name, rule in rules.items():
        assert rule["title"], name
        assert rule["description"], name
        assert rule["related_resources"][0]["ref"].startswith("https://"), name
        assert rule["custom"]["severity"] in SEVERITIES, name
        assert rule["custom"]["remedy"], name
        assert rule["custom"].get("waivable", True) in {True, False}, name


def test_what_nothing_may_waive(rules: dict[str, dict[str, Any]]) -> None:
    firm = {name for name, rule in rules.items() if rule["custom"].get("waivable") is False}

    assert firm >= NEVER_WAIVED
