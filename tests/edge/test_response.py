"""What becomes of a function's answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.edge.response import to_answer

JSON = (("content-type", "application/json"),)


@pytest.mark.parametrize(
    ("returned", "body"),
    [
        ({"message": "hello"}, b'{"message": "hello"}'),
        ("Hello from Lambda!", b"Hello from Lambda!"),
        ([1, 2], b"[1, 2]"),
        (None, b"null"),
        (7, b"7"),
        ({"body": "no status"}, b'{"body": "no status"}'),
        ("\ud800", b"?"),
    ],
)
def test_a_bare_value_becomes_a_200(returned: object, body: bytes) -> None:
    answer = to_answer(returned)
    assert (answer.status, answer.headers, answer.body) == (200, JSON, body)
    assert answer.reason is None


def test_the_structured_form_is_taken_as_it_is() -> None:
    answer = to_answer(
        {
            "statusCode": 201,
            "headers": {"Content-Type": "text/html", "X-Count": 3, "X-Flag": True},
            "multiValueHeaders": {"x-ignored": ["1"]},
            "cookies": ["a=1; Secure", "b=2"],
            "body": "<p>é</p>",
        }
    )
    assert answer.status == 201
    assert answer.body == "<p>é</p>".encode()
    assert answer.headers == (
        ("content-type", "text/html"),
        ("x-count", "3"),
        ("x-flag", "true"),
        ("set-cookie", "a=1; Secure"),
        ("set-cookie", "b=2"),
    )


def test_a_structured_answer_without_a_type_is_plain_text() -> None:
    answer = to_answer({"statusCode": 204})
    assert answer.headers == (("content-type", "text/plain;charset=UTF-8"),)
    assert answer.body == b""


def test_a_base64_body_is_decoded() -> None:
    answer = to_answer({"statusCode": 200, "body": "AAH/", "isBase64Encoded": True})
    assert answer.body == b"\x00\x01\xff"


def test_a_status_may_be_a_numeric_string() -> None:
    assert to_answer({"statusCode": "404"}).status == 404


def test_headers_of_the_connection_are_the_edges_own() -> None:
    answer = to_answer(
        {
            "statusCode": 200,
            "headers": {
                "Connection": "close",
                "Transfer-Encoding": "chunked",
                "Content-Length": "9999",
                "apigw-requestid": "forged",
                "content-type": "text/plain",
            },
        }
    )
    assert answer.headers == (("content-type", "text/plain"),)


@pytest.mark.parametrize(
    "returned",
    [
        {"statusCode": "ok"},
        {"statusCode": None},
        {"statusCode": True},
        {"statusCode": 101},
        {"statusCode": 600},
        {"statusCode": 200.5},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "body": "***", "isBase64Encoded": True},
        {"statusCode": 200, "body": "x", "isBase64Encoded": "true"},
        {"statusCode": 200, "headers": ["a"]},
        {"statusCode": 200, "headers": {"a b": "c"}},
        {"statusCode": 200, "headers": {"a": "b\r\nset-cookie: x=1"}},
        {"statusCode": 200, "headers": {"a": None}},
        {"statusCode": 200, "cookies": "a=1"},
        {"statusCode": 200, "cookies": ["a=1\r\nx: y"]},
    ],
)
def test_a_malformed_answer_is_a_500(returned: object) -> None:
    answer = to_answer(returned)
    assert answer.status == 500
    assert answer.body == b'{"message":"Internal Server Error"}'
    assert answer.reason is not None
    assert answer.reason.startswith("malformed_integration_response")


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner),
    max_leaves=8,
)


@given(
    JSON_VALUES
    | st.fixed_dictionaries(
        {"statusCode": JSON_VALUES},
        optional={
            "headers": JSON_VALUES,
            "body": JSON_VALUES,
            "cookies": JSON_VALUES,
            "isBase64Encoded": JSON_VALUES,
        },
    )
)
def test_any_json_makes_an_answer_that_can_be_sent(returned: object) -> None:
    answer = to_answer(returned)
    assert 200 <= answer.status <= 599
    for name, value in answer.headers:
        assert "\r" not in name + value
        assert "\n" not in name + value
