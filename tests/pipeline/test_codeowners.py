"""Who has to see a change of what decides what may be applied."""

import fnmatch

import pytest

from tools.paths import ROOT

FILE = ROOT / ".github" / "CODEOWNERS"


def owners(path: str) -> list[str]:
    """As GitHub reads it: the last line that matches, and any one of its owners is enough."""
    found: list[str] = []
    for line in FILE.read_text("utf-8").splitlines():
        pattern, *names = line.partition("#")[0].split() or [""]
        anchored = pattern.lstrip("/")
        place = path if pattern.startswith("/") else path.rpartition("/")[2]
        below = pattern.endswith("/") and place.startswith(anchored)
        if pattern and (below or fnmatch.fnmatchcase(place, anchored)):
            found = names
    return found


@pytest.mark.parametrize(
    "path",
    [
        "live/root.hcl",
        "live/organization.yaml",
        "live/security/account.hcl",
        "pipeline/approval.py",
        "policies/waivers.yaml",
        "policies/plan/change/loss.rego",
        ".github/CODEOWNERS",
        ".github/workflows/api-infrastructure.yml",
    ],
)
def test_security_alone_lets_it_through(path: str) -> None:
    assert owners(path) == ["@example-org/security"]


def test_the_rest_of_live_is_the_platforms() -> None:
    assert owners("live/prod/eu-west-1/prod/versions.hcl") == ["@example-org/platform"]
