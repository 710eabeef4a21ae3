"""What diagnose says of a device is what the running platform does to it."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support import Platform

pytestmark = pytest.mark.platform


def diagnosis(platform: Platform, device: Path, *options: str) -> tuple[int, dict[str, Any]]:
    completed = platform.run(
        *("diagnose", str(device / "client.crt"), "--key", str(device / "client.key")),
        *(*options, "--json"),
        check=False,
    )
    document: dict[str, Any] = json.loads(completed.stdout)
    return completed.returncode, document


def test_a_device_that_is_let_in_passes_every_check(platform: Platform, tmp_path: Path) -> None:
    device = platform.provision("diagnosed-001")
    token = tmp_path / "token"
    token.write_text(platform.token(device))

    code, document = diagnosis(platform, device, "--environment", "dev", "--token-file", str(token))

    assert {check["verdict"] for check in document["checks"]} == {"passed"}
    assert len(document["checks"]) == 4
    assert code == 0


def test_a_revoked_device_is_explained_here_and_later_from_saved_facts(
    platform: Platform, tmp_path: Path
) -> None:
    device, facts = platform.provision("diagnosed-002"), tmp_path / "facts.json"
    token = tmp_path / "token"
    token.write_text(platform.token(device))
    platform.run("revoke-client", "diagnosed-002", "--environment", "dev", "--all")

    code, now = diagnosis(platform, device, "--environment", "dev", "--save-facts", str(facts))
    _, later = diagnosis(platform, device, "--facts", str(facts), "--token-file", str(token))
    with platform.client(device) as client:
        refused = client.get("/whoami", headers={"Authorization": f"Bearer {token.read_text()}"})

    assert code == 1
    assert now["reason"] == later["reason"] == "certificate_revoked"
    assert [check["reason"] for check in later["checks"]][-1] == "certificate_revoked"
    assert refused.status_code == httpx.codes.FORBIDDEN
