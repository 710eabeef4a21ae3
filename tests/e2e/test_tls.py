"""The handshake as stock tools see it: a device's certificate opens it, without one it ends."""

import subprocess
from pathlib import Path

import pytest

from tests.support import Platform

pytestmark = pytest.mark.platform

METADATA = "/.well-known/oauth-authorization-server"


@pytest.fixture(scope="module")
def device(platform: Platform) -> Path:
    return platform.provision("handshake")


@pytest.fixture(params=["-tls1_2", "-tls1_3"])
def version(request: pytest.FixtureRequest) -> str:
    option: str = request.param
    return option


def s_client(
    platform: Platform, *options: str | Path, version: str
) -> subprocess.CompletedProcess[str]:
    """One request through `openssl s_client`, which reads until the server hangs up."""
    endpoint = platform.endpoint
    return subprocess.run(
        [
            *("openssl", "s_client", "-quiet", version, "-connect", endpoint.address),
            *("-servername", endpoint.host, "-CAfile", endpoint.server_ca),
            *("-verify_return_error", *options),
        ],
        input=f"GET {METADATA} HTTP/1.1\r\nHost: {endpoint.authority}\r\nConnection: close\r\n\r\n",
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )


def test_openssl_with_a_devices_certificate_gets_an_answer(
    platform: Platform, device: Path, version: str
) -> None:
    certificate = ("-cert", device / "client.crt", "-key", device / "client.key")
    completed = s_client(platform, *certificate, version=version)
    assert completed.stdout.startswith("HTTP/1.1 200 "), completed.stderr
    assert "tls_client_auth" in completed.stdout


def test_openssl_without_a_certificate_gets_no_answer(platform: Platform, version: str) -> None:
    completed = s_client(platform, version=version)
    assert completed.stdout == ""
    assert "alert" in completed.stderr
    assert completed.returncode != 0


def test_curl_without_a_certificate_gets_no_answer(platform: Platform) -> None:
    endpoint = platform.endpoint
    completed = platform.run(
        *("curl", "--silent", "--show-error", "--noproxy", "*", "--write-out", "%{http_code}"),
        *("--connect-to", f"::{endpoint.address}", "--cacert", str(endpoint.server_ca)),
        endpoint.base_url + METADATA,
        check=False,
    )
    assert completed.returncode != 0
    assert completed.stdout == "000"
