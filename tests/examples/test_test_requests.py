"""``examples/test-requests.sh``: it can tell right from wrong, and the platform is right."""

import json
from pathlib import Path

import pytest

from tests.examples.conftest import DEVICE, Answer, Api, run
from tests.support import REPOSITORY, Platform

SCRIPT = str(REPOSITORY / "examples" / "test-requests.sh")


def outcomes(output: str) -> dict[str, str]:
    """What the script printed: PASS or FAIL by description."""
    lines = (line.split(maxsplit=2) for line in output.splitlines())
    return {line[2]: line[0] for line in lines if line and line[0] in {"PASS", "FAIL"}}


def test_an_api_that_lets_everybody_with_a_certificate_in_fails(local_dir: Path) -> None:
    completed = run([SCRIPT, DEVICE], variables={"MTLS_LOCAL_DIR": str(local_dir)})

    assert completed.returncode == 1
    found = outcomes(completed.stdout)
    assert found["token for a known device"] == "PASS"
    assert found["call with certificate and token"] == "PASS"
    assert found["no client certificate"] == "PASS"
    assert found["call without a token"] == "FAIL"
    assert found["call with a token whose signature was altered"] == "FAIL"
    assert found["token with a scope that does not exist"] == "FAIL"


def test_the_right_status_with_the_wrong_body_fails(api: Api, local_dir: Path) -> None:
    api.answers["/whoami"] = Answer(200, json.dumps({"client_id": "somebody-else"}))

    completed = run([SCRIPT, DEVICE], variables={"MTLS_LOCAL_DIR": str(local_dir)})

    assert outcomes(completed.stdout)["call with certificate and token"] == "FAIL"


def test_an_api_that_is_not_there_is_no_refusal(local_dir: Path) -> None:
    endpoints = json.loads((local_dir / "endpoints.json").read_text())
    endpoints["dev"]["address"] = "127.0.0.1:9"
    (local_dir / "endpoints.json").write_text(json.dumps(endpoints))

    completed = run([SCRIPT, DEVICE], variables={"MTLS_LOCAL_DIR": str(local_dir)})

    assert completed.returncode == 1
    assert "PASS" not in completed.stdout


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_is_no_error(option: str) -> None:
    completed = run([SCRIPT, option], variables={})

    assert (completed.returncode, completed.stderr) == (0, "")
    assert "usage: test-requests.sh CLIENT_ID [OTHER_CLIENT_ID]" in completed.stdout
    assert "exit code" in completed.stdout


def test_no_device_is_wrong_usage(local_dir: Path) -> None:
    completed = run([SCRIPT], variables={"MTLS_LOCAL_DIR": str(local_dir)})

    assert completed.returncode == 2
    assert "usage" in completed.stderr


@pytest.mark.platform
def test_the_platform_answers_as_expected(platform: Platform) -> None:
    device = platform.provision("requests-one", scopes=("api/read", "api/write"))
    other = platform.provision("requests-two")

    completed = run([SCRIPT, device.name, other.name], variables=platform.environment)

    assert completed.returncode == 0, completed.stdout + completed.stderr
    assert " --  " not in completed.stdout, "every call is made when all is there"
