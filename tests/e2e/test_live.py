"""What was applied is what the code says, and nothing secret is in what Terraform remembers."""

import json
from pathlib import Path

import pytest

from local import selection
from tests.support import DEV, LIVE, ORGANIZATION, Platform

pytestmark = pytest.mark.platform

ACCOUNTS = selection.account_names(ORGANIZATION, [DEV])
LEFT_OUT = [entry.name for entry in selection.left_out(ORGANIZATION, [DEV])]
ISSUERS = [f"issuer-{name}" for name in LEFT_OUT]
UNITS = [
    unit
    for account in ACCOUNTS
    for unit in LIVE.glob(f"{account}/*/*/*/terragrunt.hcl")
    if unit.parents[1].name not in LEFT_OUT and unit.parent.name not in ISSUERS
]
"""Those that `make up` brings up when nothing is chosen."""


def test_second_plan_of_every_unit_shows_no_change(platform: Platform, tmp_path: Path) -> None:
    platform.run(
        *("terragrunt", "run", "--all", "--non-interactive", "--working-dir", "live"),
        *selection.filters(ORGANIZATION, [DEV]),
        *(option for name in ISSUERS for option in ("--filter", f"!{name}")),
        *("--json-out-dir", str(tmp_path), "--", "plan", "-input=false"),
        timeout=600,
    )
    plans = [json.loads(path.read_text()) for path in tmp_path.rglob("tfplan.json")]
    changes = [
        f"{change['address']}: {change['change']['actions']}"
        for plan in plans
        for change in plan.get("resource_changes", [])
        if change["change"]["actions"] not in (["no-op"], ["read"])
    ]
    assert len(plans) == len(UNITS)
    assert changes == []


def test_no_secret_of_an_app_client_is_in_terraform_state(platform: Platform) -> None:
    secrets = _app_client_secrets(platform)
    states = [
        *_states(platform, ORGANIZATION.security_account_id),
        *_states(platform, DEV.account_id),
    ]
    assert secrets
    assert len(states) == len(UNITS)
    assert [secret for secret in secrets if any(secret in state for state in states)] == []


def _app_client_secrets(platform: Platform) -> list[str]:
    manager = platform.aws("secretsmanager", DEV.account_id)
    return [
        json.loads(manager.get_secret_value(SecretId=entry["ARN"])["SecretString"])["client_secret"]
        for entry in manager.list_secrets()["SecretList"]
    ]


def _states(platform: Platform, account: str) -> list[str]:
    storage = platform.aws("s3", account)
    bucket = f"{ORGANIZATION.name}-tfstate-{account}"
    objects = storage.list_objects_v2(Bucket=bucket)["Contents"]
    return [
        storage.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read().decode()
        for entry in objects
        if entry["Key"].endswith(".tfstate")
    ]
