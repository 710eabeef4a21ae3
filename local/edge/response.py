"""Turning what a Lambda function returned into an HTTP answer, response format 2.0.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

import base64
import binascii
import json
import re

from local.edge.http import HOP_BY_HOP, INTERNAL_ERROR, Answer

REQUEST_ID_HEADER = "apigw-requestid"

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FIELD_VALUE = re.compile(r"[\t\x20-\x7e\x80-\U0010ffff]*")
# Set by the edge itself, whatever the function says.
_RESERVED = HOP_BY_HOP | {"content-length", "date", REQUEST_ID_HEADER}


class _MalformedError(ValueError):
    """The function's answer is not in the response format."""


def to_answer(returned: object) -> Answer:
    """Interpret a function's result.

    Args:
        returned: The parsed JSON. An object with ``statusCode`` is the structured form; any other
            value becomes the body of a 200.

    Returns:
        The answer; 500 when the structured form is malformed.
    """
    if not isinstance(returned, dict) or "statusCode" not in returned:
        text = returned if isinstance(returned, str) else json.dumps(returned, ensure_ascii=False)
        return Answer(200, text.encode("utf-8", "replace"), (("content-type", "application/json"),))
    try:
        return _structured(returned)
    except _MalformedError as error:
        return INTERNAL_ERROR.because(f"malformed_integration_response: {error}")


def _structured(returned: dict[str, object]) -> Answer:
    headers = _headers(returned.get("headers"))
    if not any(name == "content-type" for name, _ in headers):
        headers.append(("content-type", "text/plain;charset=UTF-8"))
    headers += [("set-cookie", value) for value in _cookies(returned.get("cookies"))]
    return Answer(_status(returned["statusCode"]), _body(returned), tuple(headers))


def _status(value: object) -> int:
    if isinstance(value, str) and re.fullmatch(r"[1-5][0-9]{2}", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 200 <= value <= 599:
        raise _MalformedError("statusCode is not an HTTP status")
    return value


def _headers(value: object) -> list[tuple[str, str]]:
    if value is None:
        return []
    if not isinstance(value, dict):
        raise _MalformedError("headers is not an object")
    return [
        (name.lower(), _field_value(content))
        for name, content in value.items()
        if _field_name(name) not in _RESERVED
    ]


def _field_name(name: object) -> str:
    if not isinstance(name, str) or _TOKEN.fullmatch(name) is None:
        raise _MalformedError("a header's name is not a token")
    return name.lower()


def _field_value(value: object) -> str:
    if isinstance(value, bool):
        value = "true" if value else "false"
    if isinstance(value, int | float):
        value = str(value)
    if not isinstance(value, str) or _FIELD_VALUE.fullmatch(value) is None:
        raise _MalformedError("a header's value is not text without line breaks")
    return value


def _cookies(value: object) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise _MalformedError("cookies is not a list")
    return [_field_value(cookie) for cookie in value]


def _body(returned: dict[str, object]) -> bytes:
    body = returned.get("body")
    encoded = returned.get("isBase64Encoded", False)
    if body is None:
        return b""
    if not isinstance(body, str) or not isinstance(encoded, bool):
        raise _MalformedError("body is not a string, or isBase64Encoded is not a boolean")
    if not encoded:
        return body.encode("utf-8", "replace")
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _MalformedError("body is not base64") from error
