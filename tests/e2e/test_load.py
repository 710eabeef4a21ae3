"""Twenty concurrent clients for a minute: right answers only, and nothing left behind."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.support import Platform

pytestmark = pytest.mark.platform

SECONDS = 60
ALLOWED_CLIENTS = 16
REFUSED_CLIENTS = 4
LARGEST_GROWTH = 64 * 1024 * 1024
"""Bytes of resident memory: a connection or request kept for good would cost far more."""


@dataclass(frozen=True)
class Report:
    requests: int
    status_codes: dict[str, int]
    errors: list[str]


def test_twenty_concurrent_clients_get_no_wrong_answer_and_nothing_leaks(
    platform: Platform, tmp_path: Path
) -> None:
    owner = platform.provision("load-owner")
    thief = platform.provision("load-thief")
    token = platform.token(owner)
    edge = psutil.Process(json.loads((platform.state_dir / "run" / "edge.json").read_text())["pid"])
    attack(platform, tmp_path, owner, token, clients=ALLOWED_CLIENTS, seconds=2)
    descriptors, memory = edge.num_fds(), edge.memory_info().rss

    with (
        start(platform, tmp_path / "allowed", owner, token, ALLOWED_CLIENTS, SECONDS) as allowed,
        start(platform, tmp_path / "refused", thief, token, REFUSED_CLIENTS, SECONDS) as refused,
    ):
        allowed.wait(timeout=SECONDS + 60)
        refused.wait(timeout=SECONDS + 60)

    right = report(platform, tmp_path / "allowed")
    wrong = report(platform, tmp_path / "refused")
    assert right.errors == []
    assert right.status_codes == {"200": right.requests}
    assert wrong.status_codes == {"403": wrong.requests}
    # Idle connections to the emulator are kept for the next call; one left behind by each of our
    # clients would already show.
    assert edge.num_fds() - descriptors < ALLOWED_CLIENTS + REFUSED_CLIENTS
    assert edge.memory_info().rss - memory < LARGEST_GROWTH


def attack(
    platform: Platform, directory: Path, device: Path, token: str, *, clients: int, seconds: int
) -> None:
    with start(platform, directory / "warm-up", device, token, clients, seconds) as process:
        process.wait(timeout=seconds + 60)


def start(
    platform: Platform, directory: Path, device: Path, token: str, clients: int, seconds: int
) -> subprocess.Popen[bytes]:
    """Start vegeta (github.com/tsenart/vegeta): each client sends as fast as it is answered."""
    directory.mkdir()
    targets = directory / "targets"
    targets.write_text(f"GET {platform.endpoint.base_url}/whoami\nAuthorization: Bearer {token}\n")
    targets.chmod(0o600)
    authority = platform.endpoint.base_url.removeprefix("https://")
    return subprocess.Popen(
        [
            *("vegeta", "attack", f"-targets={targets}", f"-output={directory / 'results'}"),
            *("-rate=0", f"-workers={clients}", f"-max-workers={clients}"),
            *(f"-connections={clients}", f"-duration={seconds}s", "-timeout=30s"),
            *(f"-cert={device / 'client.crt'}", f"-key={device / 'client.key'}"),
            f"-root-certs={platform.endpoint.server_ca}",
            f"-connect-to={authority}:{platform.endpoint.address}",
        ],
        env=platform.environment,
    )


def report(platform: Platform, directory: Path) -> Report:
    completed = platform.run("vegeta", "report", "-type=json", str(directory / "results"))
    facts = json.loads(completed.stdout)
    return Report(
        requests=facts["requests"], status_codes=facts["status_codes"], errors=facts["errors"] or []
    )
