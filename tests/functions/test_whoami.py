"""The sample resource: it knows the caller from the authorizer and from nowhere else."""

import json
from typing import Any

import pytest

from mtls_whoami import handler as module
from tests.functions.support import FINGERPRINT, SERIAL_NUMBER, Invoke, LogLines, event, without


def test_says_who_calls(invoke: Invoke) -> None:
    answer = invoke(module.handler, event("whoami"))

    assert answer["statusCode"] == 200
    assert answer["headers"]["content-type"] == "application/json"
    assert json.loads(answer["body"]) == {
        "client_id": "device-001",
        "fingerprint": FINGERPRINT,
        "serial_number": SERIAL_NUMBER,
        "scope": "api/read",
        "environment": "dev",
    }


CONTEXT: dict[str, Any] = event("whoami")["requestContext"]["authorizer"]["lambda"]


@pytest.mark.parametrize(
    "authorizer",
    [
        None,
        {},
        {"lambda": None},
        {"jwt": {"claims": {"client_id": "device-001"}}},
        *({"lambda": without(CONTEXT, name)} for name in CONTEXT),
        *({"lambda": {**CONTEXT, name: ""}} for name in CONTEXT),
    ],
)
def test_without_an_identity_it_says_nothing(
    invoke: Invoke, logs: LogLines, authorizer: object
) -> None:
    # GIVEN a route that nobody guards, though the certificate is there
    request = event("whoami")
    request["requestContext"]["authorizer"] = authorizer

    answer = invoke(module.handler, request)

    assert answer["statusCode"] == 500
    assert json.loads(answer["body"]) == {"message": "Internal Server Error"}
    assert logs.messages("the route has no authorizer")
    assert logs.metrics("Unidentified")
