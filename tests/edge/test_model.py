"""Reading functions out of URIs, and finding what answers under a host name."""

import pytest

from local.edge.model import FunctionRef
from tests.edge.support import api, domain, snapshot

ARN = "arn:aws:lambda:eu-west-1:222222222222:function:example-dev-token"


@pytest.mark.parametrize(
    ("uri", "qualifier"),
    [
        (ARN, None),
        (f"{ARN}:live", "live"),
        (f"{ARN}:$LATEST", "$LATEST"),
        (f"arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/{ARN}/invocations", None),
        (
            f"arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/{ARN}:7/invocations",
            "7",
        ),
    ],
)
def test_a_function_is_read_out_of_both_forms_of_uri(uri: str, qualifier: str | None) -> None:
    assert FunctionRef.from_uri(uri) == FunctionRef(
        "222222222222", "eu-west-1", "example-dev-token", qualifier
    )


@pytest.mark.parametrize(
    "uri",
    ["", "https://example.com", "example-dev-token", ARN.replace("222222222222", "1"), ARN + "/x"],
)
def test_other_uris_name_no_function(uri: str) -> None:
    assert FunctionRef.from_uri(uri) is None


CONFIGURED = snapshot(
    domain(None, "api.example.com"), domain(None, "*.wild.example.com"), apis=(api("abc123"),)
)


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("api.example.com", "api.example.com"),
        ("API.Example.Com", "api.example.com"),
        ("a.wild.example.com", "*.wild.example.com"),
        ("a.b.wild.example.com", None),
        ("wild.example.com", None),
        ("other.example.com", None),
        ("abc123.execute-api.us-east-1.amazonaws.com", None),
        ("abc123", None),
    ],
)
def test_a_host_finds_its_domain(host: str, found: str | None) -> None:
    endpoint = CONFIGURED.endpoint(host)
    assert getattr(endpoint, "name", None) == found


def test_a_default_endpoint_finds_its_api() -> None:
    found = CONFIGURED.endpoint("abc123.execute-api.eu-west-1.amazonaws.com")
    assert found == CONFIGURED.apis["abc123"]
