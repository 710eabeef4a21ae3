"""docs/policies.md is what the rules say of themselves."""

from pathlib import Path

import pytest

from pipeline import rules, scanning, waivers
from pipeline.policy import Opa
from tools import install, policy_docs


@pytest.fixture(scope="module")
def opa() -> Opa:
    return Opa(install.ensure(["opa"]))


def test_the_page_is_current(opa: Opa, capsys: pytest.CaptureFixture[str]) -> None:
    assert policy_docs.compare(policy_docs.PAGE, policy_docs.current(opa)) == 0, (
        f"make docs\n{capsys.readouterr().out}"
    )


def test_the_page_has_every_rule_once(opa: Opa) -> None:
    text = policy_docs.current(opa)

    for rule in rules.policy_rules(opa):
        assert text.count(f"### {rule.id}: {rule.title}\n") == 1
        assert (policy_docs.PAGE.parent.parent / "policies" / policy_docs._source(rule)).is_file()
    for check in scanning.own_checks():
        assert text.count(f"### {check.id}: ") == 1
    for other in (*waivers.RULES, *scanning.RULES):
        assert text.count(f"| {other.id} |") == 1


def test_what_nothing_may_waive_is_said(opa: Opa) -> None:
    text = policy_docs.current(opa)
    entry = text[text.index("### DEP-004: ") :].split("###")[1]

    assert "**Waiver** never" in entry


def test_a_page_that_is_not_current_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "policies.md"
    page.write_text("one\n")

    assert policy_docs.compare(page, "two\n") == 1
    assert "-one\n+two\n" in capsys.readouterr().out
    assert policy_docs.compare(tmp_path / "none.md", "two\n") == 1
    assert policy_docs.compare(page, "one\n") == 0
