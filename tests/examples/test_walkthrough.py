"""The example's README, followed to the letter: from a key of one's own to an authorized call."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from pki.csr import accept_csr
from tests.support import REPOSITORY, Platform

DEVICE = "my-device"
README = REPOSITORY / "examples" / "client-cert-example" / "README.md"


def steps(title: str, *, state_dir: Path, device: str = DEVICE) -> list[str]:
    """The bash blocks under a heading, for another state directory and another name."""
    _, _, rest = README.read_text().partition(f"\n## {title}\n")
    section = rest.partition("\n## ")[0]
    blocks: list[str] = re.findall(r"^```bash\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    assert blocks, title
    return [block.replace(".local/", f"{state_dir}/").replace(DEVICE, device) for block in blocks]


def bash(
    script: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=REPOSITORY,
        env=environment,
        text=True,
        capture_output=True,
        timeout=300,
        check=False,
    )


def test_the_documented_request_is_one_that_the_authority_accepts(tmp_path: Path) -> None:
    for step in steps("1. A key and a request", state_dir=tmp_path):
        completed = bash(step)
        assert completed.returncode == 0, completed.stderr

    folder = tmp_path / "clients" / DEVICE
    accept_csr((folder / "client.csr").read_bytes(), DEVICE)
    assert (folder / "client.key").stat().st_mode & 0o077 == 0


@pytest.mark.platform
def test_the_documented_way_leads_to_an_authorized_call_and_back(platform: Platform) -> None:
    device = "walkthrough-device"

    def follow(title: str) -> list[subprocess.CompletedProcess[str]]:
        return [
            bash(step, platform.environment)
            for step in steps(title, state_dir=platform.state_dir, device=device)
        ]

    for title in ("1. A key and a request", "2. A certificate"):
        for completed in follow(title):
            assert completed.returncode == 0, completed.stdout + completed.stderr
    called, described = follow("3. A token, and a call")
    assert json.loads(called.stdout)["client_id"] == device
    assert json.loads(described.stdout)["grant_types_supported"] == ["client_credentials"]
    requests, revoked = follow("Refused calls")
    assert requests.returncode == 0, requests.stdout + requests.stderr
    assert revoked.returncode == 1, "the last command is a call that is refused"
    assert "invalid_client" in revoked.stderr
