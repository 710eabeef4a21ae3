"""Bad changes as a table: a name, the rule that stops it, and the edits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from tests.pullrequests.changes import Change, Edit
from tests.pullrequests.world import Answer


@dataclass(frozen=True)
class Case:
    """A change that must be stopped.

    Attributes:
        rule: the rule that stops it.
        change: what is changed.
    """

    rule: str
    change: Change

    def assert_refused(self, answer: Answer) -> None:
        """The command was refused, and by that very rule."""
        assert answer.exit_code == 1, str(answer)
        blocking = {finding["rule"] for finding in findings(answer) if finding["blocking"]}
        assert self.rule in blocking, str(answer)


def bad(title: str, rule: str, *edits: Edit) -> Case:
    return Case(rule, Change(title, edits))


def parametrize(cases: Sequence[Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "case", cases, ids=[f"{case.rule}-{case.change.title.replace(' ', '-')}" for case in cases]
    )


def findings(answer: Answer) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer.json["findings"]
    return found


def statuses(answer: Answer) -> dict[str, str]:
    """What a plan found out about each unit."""
    return {
        unit["path"]: unit["status"]
        for entry in answer.json["sets"]
        for unit in entry["set"]["units"]
    }
