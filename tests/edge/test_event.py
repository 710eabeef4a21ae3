"""The events that functions receive, value for value."""

import base64
import datetime as dt
import json
import re

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from local.edge import event
from local.edge.model import Stage
from tests.edge.support import NOW, issue, request, selected

SERIAL = 210_624_583_337_114_373_395_836_055_367_340_864_637_790_190_801


def attribute(oid: x509.ObjectIdentifier, value: str) -> x509.NameAttribute[str]:
    return x509.NameAttribute(oid, value)


def test_the_client_certificate_is_described_as_api_gateway_does() -> None:
    issuer = issue(
        x509.Name(
            [attribute(NameOID.COMMON_NAME, "Issuing"), attribute(NameOID.COUNTRY_NAME, "GB")]
        ),
        ca=True,
    )
    subject = x509.Name(
        [
            attribute(NameOID.COMMON_NAME, "device-001"),
            attribute(NameOID.COUNTRY_NAME, "GB"),
            attribute(NameOID.LOCALITY_NAME, "London"),
        ]
    )
    leaf = issue(
        subject,
        issuer,
        not_before=dt.datetime(2024, 5, 3, 16, 42, 32, tzinfo=dt.UTC),
        not_after=dt.datetime(2025, 12, 23, 6, 2, 1, tzinfo=dt.UTC),
        serial=SERIAL,
    )
    assert event.client_cert(leaf.certificate) == {
        "clientCertPem": leaf.pem.decode(),
        "subjectDN": "CN=device-001,C=GB,L=London",
        "issuerDN": "CN=Issuing,C=GB",
        "serialNumber": str(SERIAL),
        "validity": {
            "notBefore": "May  3 16:42:32 2024 GMT",
            "notAfter": "Dec 23 06:02:01 2025 GMT",
        },
    }
    assert leaf.pem.count(b"\n") > 5


def test_commas_inside_a_name_are_escaped() -> None:
    name = x509.Name([attribute(NameOID.COMMON_NAME, "a,CN=admin")])
    assert event.distinguished_name(name) == r"CN=a\,CN=admin"


def test_an_email_address_and_a_serial_number_have_readable_names() -> None:
    name = x509.Name(
        [attribute(NameOID.EMAIL_ADDRESS, "a@example.com"), attribute(NameOID.SERIAL_NUMBER, "7")]
    )
    assert event.distinguished_name(name) == "emailAddress=a@example.com,serialNumber=7"


def test_the_integration_event_is_payload_2_0() -> None:
    cert = event.client_cert(issue("device-001").certificate)
    http = request(
        "POST",
        "/pets/6?a=1&b=x%20y&a=2",
        ("user-agent", "curl/8"),
        ("X-Two".lower(), "1"),
        ("x-two", "2"),
        ("cookie", "s=1; t=2"),
        ("content-type", "application/json"),
        ("content-length", "7"),
        body=b'{"a":1}',
        host="api.dev.example.com:8443",
    )
    call = selected(
        http,
        route="POST /pets/{id}",
        path="/pets/6",
        parameters={"id": "6"},
        stage=Stage("$default", {"colour": "blue"}),
        client_cert=cert,
    )
    built = event.integration_event(call, {"client_id": "device-001"})
    assert built == {
        "version": "2.0",
        "routeKey": "POST /pets/{id}",
        "rawPath": "/pets/6",
        "rawQueryString": "a=1&b=x%20y&a=2",
        "cookies": ["s=1", "t=2"],
        "headers": {
            "content-length": "7",
            "content-type": "application/json",
            "host": "api.dev.example.com:8443",
            "user-agent": "curl/8",
            "x-amzn-trace-id": event.headers(http)["x-amzn-trace-id"],
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
            "x-two": "1,2",
        },
        "queryStringParameters": {"a": "1,2", "b": "x y"},
        "pathParameters": {"id": "6"},
        "stageVariables": {"colour": "blue"},
        "requestContext": {
            "accountId": "222222222222",
            "apiId": "abc123",
            "domainName": "api.dev.example.com",
            "domainPrefix": "api",
            "http": {
                "method": "POST",
                "path": "/pets/6",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "curl/8",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "POST /pets/{id}",
            "stage": "$default",
            "time": "12/Mar/2026:19:03:58 +0000",
            "timeEpoch": 1773342238000,
            "authentication": {"clientCert": cert},
            "authorizer": {"lambda": {"client_id": "device-001"}},
        },
        "body": '{"a":1}',
        "isBase64Encoded": False,
    }


def test_a_request_without_a_trace_gets_one_and_keeps_its_own() -> None:
    made = event.headers(request())["x-amzn-trace-id"]
    assert re.fullmatch(r"Root=1-69b30e[0-9a-f]{2}-[0-9a-f]{24}", made)
    own = event.headers(request("GET", "/", ("x-amzn-trace-id", "Root=1-1-1")))
    assert own["x-amzn-trace-id"] == "Root=1-1-1"


def test_what_a_request_does_not_have_is_left_out() -> None:
    built = event.integration_event(selected())
    absent = {"cookies", "queryStringParameters", "pathParameters", "stageVariables", "body"}
    assert absent.isdisjoint(built)
    assert built["isBase64Encoded"] is False
    context = built["requestContext"]
    assert isinstance(context, dict)
    assert {"authentication", "authorizer"}.isdisjoint(context)


def test_a_named_stage_is_part_of_the_raw_path() -> None:
    built = event.integration_event(selected(stage=Stage("v1")))
    assert built["rawPath"] == "/v1/whoami"


def test_the_authorizer_event_names_route_and_identity() -> None:
    cert = event.client_cert(issue("device-001").certificate)
    built = event.authorizer_event(selected(client_cert=cert), ["Bearer x"])
    assert built["type"] == "REQUEST"
    assert built["version"] == "2.0"
    assert built["identitySource"] == ["Bearer x"]
    assert built["routeArn"] == (
        "arn:aws:execute-api:eu-west-1:222222222222:abc123/$default/GET/whoami"
    )
    context = built["requestContext"]
    assert isinstance(context, dict)
    assert context["authentication"] == {"clientCert": cert}
    assert "isBase64Encoded" not in built


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/json; charset=utf-8", "APPLICATION/JSON", "application/xml"],
)
def test_text_stays_text(content_type: str) -> None:
    http = request("POST", "/token", ("content-type", content_type), body="é".encode())
    built = event.integration_event(selected(http))
    assert (built["body"], built["isBase64Encoded"]) == ("é", False)


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("content-type", "application/octet-stream"),),
        (("content-type", "application/x-www-form-urlencoded"),),
    ],
    ids=["none", "binary", "form"],
)
def test_everything_else_arrives_in_base64(headers: tuple[tuple[str, str], ...]) -> None:
    http = request("POST", "/token", *headers, body=b"a=b\xff")
    built = event.integration_event(selected(http))
    assert (built["body"], built["isBase64Encoded"]) == ("YT1i/w==", True)


def test_hop_by_hop_headers_and_those_that_connection_names_are_dropped() -> None:
    http = request(
        "GET",
        "/",
        ("connection", "keep-alive, X-Secret"),
        ("keep-alive", "5"),
        ("te", "trailers"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"),
        ("proxy-authorization", "x"),
        ("x-secret", "1"),
        ("authorization", "Bearer x"),
    )
    names = set(event.headers(http))
    assert "authorization" in names
    assert names.isdisjoint(
        {"connection", "keep-alive", "te", "transfer-encoding", "upgrade", "x-secret"}
    )


def test_a_client_cannot_drop_the_host_through_connection() -> None:
    assert "host" in event.headers(request("GET", "/", ("connection", "host")))


def test_a_client_cannot_forge_where_it_comes_from() -> None:
    http = request("GET", "/", ("x-forwarded-for", "10.0.0.1"), ("x-forwarded-proto", "http"))
    headers = event.headers(http)
    assert headers["x-forwarded-for"] == "10.0.0.1, 127.0.0.1"
    assert headers["x-forwarded-proto"] == "https"


TEXT = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=30)


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", "cookie", "connection", "x-y"]), TEXT)),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40),
    st.binary(max_size=60),
    st.sampled_from(["text/plain", "application/json", "image/png", ""]),
)
def test_any_request_makes_an_event_that_is_json_and_keeps_the_body(
    headers: list[tuple[str, str]], query: str, body: bytes, content_type: str
) -> None:
    http = request("POST", f"/token?{query}", *headers, ("content-type", content_type), body=body)
    built = json.loads(json.dumps(event.integration_event(selected(http))))
    assert all(name == name.lower() for name in built["headers"])
    assert built["rawQueryString"] == query
    received = built.get("body", "")
    if built["isBase64Encoded"]:
        assert base64.b64decode(received) == body
    else:
        assert received == body.decode("utf-8", "replace")


def test_the_hour_is_that_of_utc() -> None:
    context = event.integration_event(selected())["requestContext"]
    assert isinstance(context, dict)
    assert context["timeEpoch"] == int(NOW.timestamp() * 1000)
