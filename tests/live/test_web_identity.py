"""A job that AWS knows by an OIDC token takes each account's role with that token."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support import DEV, LIVE, ORGANIZATION

TOKEN_FILE = "/run/token with spaces"
ROLES = {
    LIVE / DEV.account_name / DEV.region / DEV.name / "registry": DEV.account_id,
    LIVE / "security" / ORGANIZATION.region / "ca" / "pki": ORGANIZATION.security_account_id,
}


def render(tools: dict[str, str], unit: Path, **environ: str) -> dict[str, Any]:
    result = subprocess.run(
        ["terragrunt", "render", "--json", "--working-dir", str(unit)],
        env={**tools, "AWS_WEB_IDENTITY_TOKEN_FILE": TOKEN_FILE, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def role_in_the_environment(rendered: dict[str, Any]) -> dict[str, str]:
    """AWS's SDK, finding a token, asks for a role there, though Terraform is told of one."""
    arguments = rendered["terraform"]["extra_arguments"]["role_of_the_token"]
    return arguments.get("env_vars") or {}


@pytest.mark.parametrize("unit", ROLES, ids=lambda unit: unit.name)
def test_one_token_opens_every_account(tools: dict[str, str], unit: Path) -> None:
    rendered = render(tools, unit, MTLS_ROLE="apply")

    session = {
        "role_arn": f"arn:aws:iam::{ROLES[unit]}:role/{ORGANIZATION.name}-apply",
        "session_name": "terragrunt",
        "web_identity_token_file": TOKEN_FILE,
    }
    state = rendered["remote_state"]["config"]
    assert state["assume_role_with_web_identity"] == session
    assert "assume_role" not in state
    provider = rendered["generate"]["provider"]["contents"]
    lines = "".join(f'    {name} = "{value}"\n' for name, value in sorted(session.items()))
    assert f"  assume_role_with_web_identity {{\n{lines}  }}\n" in provider
    assert "assume_role {" not in provider
    assert role_in_the_environment(rendered) == {"AWS_ROLE_ARN": session["role_arn"]}


def test_an_administrator_who_bootstraps_takes_no_role(tools: dict[str, str]) -> None:
    rendered = render(tools, next(iter(ROLES)), MTLS_BOOTSTRAP="1")

    assert "assume_role" not in json.dumps(rendered["remote_state"])
    assert "assume_role" not in rendered["generate"]["provider"]["contents"]
    assert role_in_the_environment(rendered) == {}


def test_without_a_token_the_role_is_assumed_with_credentials(tools: dict[str, str]) -> None:
    rendered = render(tools, next(iter(ROLES)), AWS_WEB_IDENTITY_TOKEN_FILE="")

    assert "assume_role" in rendered["remote_state"]["config"]
    assert "assume_role {" in rendered["generate"]["provider"]["contents"]
    assert role_in_the_environment(rendered) == {}
