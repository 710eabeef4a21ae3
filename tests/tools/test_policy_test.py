"""What the policies' tests must reach."""

from pathlib import Path

import pytest

from tools import policy_test
from tools.install import ensure

RULE = """package plan.thing

deny contains "seen" if input.seen

deny contains "never seen" if {
	input.other
}
"""
TEST = """package plan.thing_test

import data.plan.thing

test_deny if "seen" in thing.deny with input as {"seen": true}
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with one rule, a half of which is tested."""
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "thing.rego").write_text(RULE)
    (folder / "thing_test.rego").write_text(TEST)
    return tmp_path


def test_a_line_that_no_test_reaches_is_named(checkout: Path) -> None:
    assert policy_test.cover(checkout, ensure(["opa"])) == [
        "policies/thing.rego:5",
        "policies/thing.rego:6",
    ]


def test_nothing_is_named_once_all_is_tested(checkout: Path) -> None:
    more = 'test_other if "never seen" in thing.deny with input as {"other": true}\n'
    (checkout / "policies" / "thing_test.rego").write_text(TEST + more)

    assert policy_test.cover(checkout, ensure(["opa"])) == []


def test_a_failing_test_fails_the_run(checkout: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (checkout / "policies" / "thing_test.rego").write_text(TEST + "test_wrong if false\n")

    assert policy_test.execute(checkout, ensure(["opa"])) != 0
    assert "test_wrong: FAIL" in capfd.readouterr().out


def test_a_pattern_selects_tests(checkout: Path) -> None:
    (checkout / "policies" / "thing_test.rego").write_text(TEST + "test_wrong if false\n")

    assert policy_test.execute(checkout, ensure(["opa"]), "test_deny") == 0
