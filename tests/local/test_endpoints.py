"""endpoints.json, as the examples and tests read it."""

import json
from pathlib import Path

import pytest

from local import endpoints
from local.endpoints import Endpoint, endpoint_of
from local.errors import LocalError, NotRunningError
from pki.organization import load_organization
from tools.paths import ROOT

ENDPOINT = Endpoint(
    base_url="https://api.dev.example.com:8443",
    address="127.0.0.1:8443",
    server_ca="/state/edge/server-ca.pem",
    default_endpoint="abc123.execute-api.eu-west-1.amazonaws.com",
)


def test_an_endpoint_follows_from_the_organisation_the_port_and_the_api() -> None:
    organization = load_organization(ROOT / "live")
    found = endpoint_of(
        organization,
        organization.environment("dev"),
        port=8443,
        server_ca=Path("/state/edge/server-ca.pem"),
        api_id="abc123",
    )
    assert found == ENDPOINT
    assert (found.host, found.port) == ("api.dev.example.com", 8443)


def test_the_file_holds_the_documented_fields(tmp_path: Path) -> None:
    path = tmp_path / "endpoints.json"
    endpoints.write(path, {"dev": ENDPOINT})
    assert json.loads(path.read_text()) == {
        "dev": {
            "base_url": "https://api.dev.example.com:8443",
            "address": "127.0.0.1:8443",
            "server_ca": "/state/edge/server-ca.pem",
            "default_endpoint": "abc123.execute-api.eu-west-1.amazonaws.com",
        }
    }
    assert endpoints.read(path) == {"dev": ENDPOINT}


def test_no_file_means_that_the_platform_is_not_up(tmp_path: Path) -> None:
    with pytest.raises(NotRunningError, match="not up") as refused:
        endpoints.read(tmp_path / "endpoints.json")
    assert refused.value.hint == "make up"


@pytest.mark.parametrize("text", ["{", "[]", '{"dev": {}}', '{"dev": 1}', "\x80"])
def test_a_damaged_file_is_named_with_what_to_do(tmp_path: Path, text: str) -> None:
    path = tmp_path / "endpoints.json"
    path.write_text(text, "latin-1")
    with pytest.raises(LocalError, match=f"^{path} is damaged: ") as refused:
        endpoints.read(path)
    assert refused.value.hint == "make down, then make up"
