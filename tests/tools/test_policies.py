"""The policies' metadata: what waivers, findings and documentation name a check by."""

import json
import subprocess
from collections import Counter
from typing import Any

import pytest

from tools.paths import ROOT

POLICIES = ROOT / "policies"


@pytest.fixture(scope="module")
def checks() -> dict[str, dict[str, Any]]:
    """The annotations of every check, by its path below policies/checks."""
    inspected = subprocess.run(
        ["opa", "inspect", "--annotations", "--format=json", str(POLICIES)],
        capture_output=True,
        text=True,
        check=True,
    )
    found = {}
    for entry in json.loads(inspected.stdout)["annotations"]:
        path = [part["value"] for part in entry["path"]]
        if path[:2] == ["data", "checks"]:
            found["/".join(path[2:])] = entry["annotations"]
    return found


def test_every_check_has_metadata_and_a_test(checks: dict[str, dict[str, Any]]) -> None:
    folder = POLICIES / "checks"
    files = {path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.rego")}
    tests = {name for name in files if name.endswith("_test")}

    assert set(checks) == files - tests
    assert tests == {f"{name}_test" for name in checks}


def test_ids_are_unique(checks: dict[str, dict[str, Any]]) -> None:
    ids = Counter(check["custom"]["id"] for check in checks.values())

    assert [name for name, count in ids.items() if count > 1] == []


def test_every_check_says_why_how_bad_and_what_to_do(checks: dict[str, dict[str, Any]]) -> None:
    for check in checks.values():
        assert check["title"]
        assert check["description"]
        assert check["related_resources"]
        assert check["custom"]["severity"] in {"critical", "high", "medium", "low"}
        assert check["custom"]["remedy"]


def test_every_check_is_documented(checks: dict[str, dict[str, Any]]) -> None:
    readme = (POLICIES / "README.md").read_text()

    assert {name for name, check in checks.items() if check["custom"]["id"] not in readme} == set()
