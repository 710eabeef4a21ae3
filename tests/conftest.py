"""The running platform, for every test that crosses rooms."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import hypothesis
import pytest
from botocore.loaders import create_loader

from local.settings import Settings
from local.story import Stage
from tests.support import REPOSITORY, Platform
from tools import isolated

# How long an example takes says more of the machine than of the code.
hypothesis.settings.register_profile("no-deadline", deadline=None)
hypothesis.settings.load_profile("no-deadline")


@pytest.fixture(scope="session", autouse=True)
def service_models() -> Iterator[None]:
    """Reads AWS's description of a service once: each session would parse megabytes of it anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.session.create_loader", cache(create_loader))
        yield


@pytest.fixture(scope="session")
def platform() -> Iterator[Platform]:
    """The platform, brought up once; `MTLS_TEST_PLATFORM=.local` uses one that already runs."""
    running = os.environ.get("MTLS_TEST_PLATFORM")
    if running:
        yield Platform.connect(Path(running).resolve())
        return
    state_dir = REPOSITORY / "build" / "platform"
    environment = os.environ | {
        "MTLS_LOCAL_DIR": str(state_dir),
        "GATEWAY_PORT": str(_free_port()),
        "EDGE_PORT": str(_free_port()),
    }
    try:
        _local("up", environment)
        yield Platform.connect(state_dir)
    finally:
        _local("down", environment)


@pytest.fixture(scope="session")
def stage(platform: Platform) -> Stage:
    """What the story may do with that platform."""
    settings = Settings.from_environment({"MTLS_LOCAL_DIR": str(platform.state_dir)})
    return Stage.connect(settings, platform.environment)


@pytest.fixture(scope="session")
def pkilint() -> Callable[..., str]:
    """Runs one of pkilint's commands and returns what it found; an error finding fails the test."""
    commands = isolated.sync("pkilint")

    def run(command: str, *arguments: str | Path) -> str:
        done = subprocess.run(
            [str(commands / command), *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def _local(command: str, environment: dict[str, str]) -> None:
    completed = subprocess.run(
        [sys.executable, "-m", "local", command],
        cwd=REPOSITORY,
        env=environment,
        text=True,
        capture_output=True,
        check=False,
    )
    if completed.returncode != 0:
        pytest.fail(f"local {command} failed\n{completed.stdout}\n{completed.stderr}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
