"""Which failures of AWS pass by themselves."""

from collections.abc import Mapping
from typing import Any


def may_pass(response: Mapping[str, Any]) -> bool:
    """Whether an error answer of AWS may be another one soon: throttled, or a 5xx.

    What stays (access denied, no such resource) is a fault of ours.

    Args:
        response: botocore's ``ClientError.response``.
    """
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    throttled = "Throttl" in response.get("Error", {}).get("Code", "")
    return bool(status >= 500 or status == 429 or throttled)
