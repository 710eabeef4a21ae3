"""Runs ministack, with two of its actions corrected. Executed by the emulator's own interpreter.

ministack 1.5.33 replaces a domain's `mutualTlsAuthentication` in `UpdateDomainName`. A rollout of a
truststore sends its new version alone, as AWS allows, and would leave the domain without one.

https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/domainnames-domainname.html

It also leaves most fields of an alarm out of `DescribeAlarms` when it is asked in the
Query protocol, as Terraform's AWS provider does, and tells them all when asked in JSON. Terraform
would see an alarm that has no description, dimension or period, and change it in every plan.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
"""

import importlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

type Answer = tuple[int, dict[str, str], bytes]


def complete(
    describe: Callable[..., Answer], to_xml: Callable[[int, str, str], Answer]
) -> Callable[..., Answer]:
    """Wrap the service's `DescribeAlarms` so that a Query answer holds what a JSON answer holds.

    Args:
        describe: the service's function: parameters, body, whether CBOR, whether JSON.
        to_xml: the service's function that wraps a result: status, root element, content.
    """

    def wrapped(
        params: dict[str, Any],
        body: dict[str, Any],
        is_cbor: bool,  # noqa: FBT001 # the service's own signature
        is_json: bool = False,  # noqa: FBT001, FBT002
    ) -> Answer:
        answer = describe(params, body, is_cbor, is_json)
        if is_cbor or is_json or answer[0] != 200:
            return answer
        status, _, content = describe(params, _as_json_request(params), False, True)  # noqa: FBT003
        if status != 200:
            return answer
        result = _element("DescribeAlarmsResult", json.loads(content))
        return to_xml(200, "DescribeAlarmsResponse", result)

    return wrapped


def keep_truststore(
    update: Callable[[str, dict[str, Any]], Answer], domains: Mapping[str, dict[str, Any]]
) -> Callable[[str, dict[str, Any]], Answer]:
    """Wrap the service's `UpdateDomainName` so that what an update leaves out stays as it was.

    Args:
        update: the service's function: domain name, request body.
        domains: the service's records, by domain name.
    """

    def wrapped(name: str, body: dict[str, Any]) -> Answer:
        given = body.get("mutualTlsAuthentication")
        if not given or given.get("truststoreUri") == "":
            return update(name, body)  # not touched, or switched off
        kept = (domains.get(name) or {}).get("mutualTlsAuthentication") or {}
        return update(name, {**body, "mutualTlsAuthentication": {**kept, **given}})

    return wrapped


def _as_json_request(params: dict[str, Any]) -> dict[str, Any]:
    """Query parameters (`AlarmNames.member.1=x`, each value a list) as a JSON request body."""
    body: dict[str, Any] = {}
    for name, values in sorted(params.items()):
        value = values[0] if isinstance(values, list) else values
        field, is_member, _ = name.partition(".member.")
        if is_member:
            body.setdefault(field, []).append(value)
        else:
            body[field] = value
    return body


def _element(name: str, value: Any) -> str:
    return f"<{name}>{_content(name, value)}</{name}>"


def _content(name: str, value: Any) -> str:
    if isinstance(value, dict):
        # What is not set is null in JSON and absent in XML.
        return "".join(_element(key, entry) for key, entry in value.items() if entry is not None)
    if isinstance(value, list):
        return "".join(_element("member", entry) for entry in value)
    if isinstance(value, bool):
        return str(value).lower()
    if name.endswith("Timestamp") and isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC).isoformat().replace("+00:00", "Z")
    return escape(str(value))


def main() -> None:
    """Become the emulator."""
    alarms: Any = importlib.import_module("ministack.services.cloudwatch")
    alarms._describe_alarms = complete(alarms._describe_alarms, alarms._xml)  # noqa: SLF001
    domains: Any = importlib.import_module("ministack.services.apigateway_v1")._domain_names  # noqa: SLF001
    gateway: Any = importlib.import_module("ministack.services.apigateway")
    gateway._update_domain_name = keep_truststore(gateway._update_domain_name, domains)  # noqa: SLF001
    importlib.import_module("ministack.app").main()


if __name__ == "__main__":
    main()
