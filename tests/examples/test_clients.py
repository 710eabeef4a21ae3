"""Each example client, as a device's developer starts it, against a TLS server."""

import json
from pathlib import Path

import pytest
import trustme

from local.story import Stage
from tests.examples.conftest import API_NAME, DEVICE, IDENTITY, TOKEN, Answer, Api, run
from tests.support import Platform


def test_a_client_prints_who_it_is(client: list[str], local_dir: Path) -> None:
    completed = run([*client, DEVICE], variables={"MTLS_LOCAL_DIR": str(local_dir)})

    assert (completed.returncode, completed.stderr) == (0, "")
    assert json.loads(completed.stdout) == IDENTITY


def test_a_client_gets_its_token_by_certificate_and_calls_with_both(
    client: list[str], api: Api, local_dir: Path
) -> None:
    run([*client, DEVICE], variables={"MTLS_LOCAL_DIR": str(local_dir)})

    token, whoami = api.requests
    assert token.line == "POST /token"
    assert token.form == {
        "grant_type": ["client_credentials"],
        "client_id": [DEVICE],
        "scope": ["api/read"],
    }
    assert token.authorization is None
    assert whoami.line == "GET /whoami"
    assert whoami.authorization == f"Bearer {TOKEN}"
    assert {token.subject, whoami.subject} == {DEVICE}


def test_a_client_names_the_api_though_it_connects_to_an_address(
    client: list[str], api: Api, local_dir: Path
) -> None:
    run([*client, DEVICE], variables={"MTLS_LOCAL_DIR": str(local_dir)})

    assert set(api.server_names) == {API_NAME}
    assert {request.host for request in api.requests} == {f"{API_NAME}:{api.port}"}


def test_a_client_needs_no_local_state_when_the_variables_say_it_all(
    client: list[str], api: Api, local_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    folder = local_dir / "clients" / DEVICE
    variables = {
        "BASE_URL": f"{api.base_url}/",
        "ADDRESS": f"127.0.0.1:{api.port}",
        "SERVER_CA": str(local_dir / "server-ca.pem"),
        "CERT": str(folder / "client.crt"),
        "KEY": str(folder / "client.key"),
        "SCOPE": "api/write",
    }

    completed = run([*client, "partner-007"], variables=variables, cwd=elsewhere)

    assert (completed.returncode, completed.stderr) == (0, "")
    assert api.requests[0].form["client_id"] == ["partner-007"]
    assert api.requests[0].form["scope"] == ["api/write"]


def test_a_client_ignores_a_proxy_and_a_ca_bundle_that_are_not_for_the_laptops_address(
    client: list[str], local_dir: Path
) -> None:
    variables = {
        "MTLS_LOCAL_DIR": str(local_dir),
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "REQUESTS_CA_BUNDLE": str(local_dir / "endpoints.json"),
    }

    completed = run([*client, DEVICE], variables=variables)

    assert (completed.returncode, completed.stderr) == (0, "")


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/token", Answer(400, '{"error":"invalid_scope"}')),
        ("/token", Answer(401, '{"error":"invalid_client"}')),
        ("/whoami", Answer(403, '{"message":"Forbidden"}')),
    ],
)
def test_a_refusal_is_told_and_fails(
    client: list[str], api: Api, local_dir: Path, path: str, answer: Answer
) -> None:
    api.answers[path] = answer

    completed = run([*client, DEVICE], variables={"MTLS_LOCAL_DIR": str(local_dir)})

    assert completed.returncode == 1
    assert completed.stdout == ""
    assert path in completed.stderr
    assert next(iter(json.loads(answer.body).values())) in completed.stderr
    assert "Traceback" not in completed.stderr
    assert TOKEN not in completed.stderr


def test_a_certificate_that_the_server_does_not_know_fails(
    client: list[str], local_dir: Path
) -> None:
    unknown = trustme.CA().issue_cert(DEVICE, common_name=DEVICE)
    folder = local_dir / "clients" / DEVICE
    unknown.cert_chain_pems[0].write_to_path(folder / "client.crt")
    unknown.private_key_pem.write_to_path(folder / "client.key")

    completed = run([*client, DEVICE], variables={"MTLS_LOCAL_DIR": str(local_dir)})

    assert (completed.returncode, completed.stdout) == (1, "")
    assert "error:" in completed.stderr
    assert "Traceback" not in completed.stderr


def test_a_server_of_another_ca_is_not_believed(
    client: list[str], api: Api, local_dir: Path
) -> None:
    trustme.CA().cert_pem.write_to_path(local_dir / "server-ca.pem")

    completed = run([*client, DEVICE], variables={"MTLS_LOCAL_DIR": str(local_dir)})

    assert completed.returncode == 1
    assert "error:" in completed.stderr
    assert api.requests == []


def test_a_server_that_is_not_there_fails(client: list[str], local_dir: Path) -> None:
    endpoints = json.loads((local_dir / "endpoints.json").read_text())
    endpoints["dev"]["address"] = "127.0.0.1:9"
    (local_dir / "endpoints.json").write_text(json.dumps(endpoints))

    completed = run([*client, DEVICE], variables={"MTLS_LOCAL_DIR": str(local_dir)})

    assert (completed.returncode, completed.stdout) == (1, "")
    assert "error:" in completed.stderr
    assert "Traceback" not in completed.stderr


def test_without_a_platform_a_client_says_how_to_get_one(client: list[str], tmp_path: Path) -> None:
    completed = run([*client, DEVICE], variables={"MTLS_LOCAL_DIR": str(tmp_path / "none")})

    assert completed.returncode == 2
    assert "make demo" in completed.stderr
    assert "BASE_URL" in completed.stderr


def test_an_unknown_environment_is_named(client: list[str], local_dir: Path) -> None:
    variables = {"MTLS_LOCAL_DIR": str(local_dir), "ENVIRONMENT": "moon"}

    completed = run([*client, DEVICE], variables=variables)

    assert completed.returncode == 2
    assert "moon" in completed.stderr


def test_a_missing_certificate_is_named(client: list[str], local_dir: Path) -> None:
    completed = run([*client, "nobody"], variables={"MTLS_LOCAL_DIR": str(local_dir)})

    assert completed.returncode == 2
    assert "nobody/client.crt" in completed.stderr
    assert "Traceback" not in completed.stderr


def test_no_name_is_wrong_usage(client: list[str], local_dir: Path) -> None:
    completed = run(client, variables={"MTLS_LOCAL_DIR": str(local_dir)})

    assert completed.returncode == 2
    assert "usage" in completed.stderr


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_is_no_error(client: list[str], option: str) -> None:
    completed = run([*client, option], variables={})

    assert (completed.returncode, completed.stderr) == (0, "")
    assert completed.stdout.startswith("usage:") or "\nusage:" in completed.stdout


@pytest.mark.platform
def test_a_provisioned_device_is_let_in(
    client: list[str], client_name: str, platform: Platform
) -> None:
    device = platform.provision(f"allowed-{client_name}")

    completed = run([*client, device.name], variables=platform.environment)

    assert (completed.returncode, completed.stderr) == (0, "")
    assert json.loads(completed.stdout)["client_id"] == device.name


@pytest.mark.platform
def test_a_revoked_device_is_refused(
    client: list[str], client_name: str, platform: Platform
) -> None:
    device = platform.provision(f"revoked-{client_name}")
    platform.run("revoke-client", device.name, "--environment", "dev", "--reason", "superseded")

    completed = run([*client, device.name], variables=platform.environment)

    assert (completed.returncode, completed.stdout) == (1, "")
    assert "/token" in completed.stderr


@pytest.mark.platform
def test_a_certificate_of_a_ca_that_nobody_trusts_is_refused(
    client: list[str], platform: Platform, stage: Stage
) -> None:
    stranger, _ = stage.stranger()
    variables = {"CERT": str(stranger.certificate), "KEY": str(stranger.key)}

    completed = run([*client, DEVICE], variables=platform.environment | variables)

    assert (completed.returncode, completed.stdout) == (1, "")
    assert "error:" in completed.stderr
    assert "/token" in completed.stderr
    assert "Forbidden" in completed.stderr
    assert "Traceback" not in completed.stderr
