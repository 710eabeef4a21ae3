"""Runs ministack, with some of its actions corrected. Executed by the emulator's own interpreter.

ministack 1.5.33 replaces a domain's `mutualTlsAuthentication` in `UpdateDomainName`. A rollout of a
truststore sends its new version alone, as AWS allows, and would leave the domain without one.

https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/domainnames-domainname.html

It also leaves most fields of an alarm out of `DescribeAlarms` when it is asked in the
Query protocol, as Terraform's AWS provider does, and tells them all when asked in JSON. Terraform
would see an alarm that has no description, dimension or period, and change it in every plan.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html

Its CloudTrail records nothing unless it is told to record everything, and then neither who called,
nor which key, nor that a call was refused; and `LookupEvents` answers with 50 events at most. So
`kms:Sign`, the one event that anything here asks for, is recorded as AWS records it, and found page
by page. `CreateTrail` drops the tags that it is given, which Terraform would add in every plan.

https://docs.aws.amazon.com/kms/latest/developerguide/ct-sign.html
https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
"""

import importlib
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

type Answer = tuple[int, dict[str, str], bytes]
type Headers = dict[str, str]
type Identity = dict[str, Any]
type Handler = Callable[[str, str, Headers, bytes, dict[str, Any]], Awaitable[Answer]]

_PAGE = 50


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


class Signatures:
    """Turns each `Sign` of KMS, done or refused, into an event of CloudTrail."""

    def __init__(
        self,
        caller: Callable[[Headers, dict[str, Any]], Identity],
        keep: Callable[[dict[str, Any]], None],
    ) -> None:
        """Take what the service knows.

        Args:
            caller: who makes a request, as `userIdentity`.
            keep: keeps an event as `LookupEvents` shows it.
        """
        self._caller = caller
        self._keep = keep
        self._answer: ContextVar[Answer | None] = ContextVar("answer", default=None)

    def watch(self, handle: Handler) -> Handler:
        """Wrap KMS to remember its answer: the event's id is known to the application alone."""

        async def wrapped(
            method: str, path: str, headers: Headers, body: bytes, query: dict[str, Any]
        ) -> Answer:
            answer = await handle(method, path, headers, body, query)
            self._answer.set(answer)
            return answer

        return wrapped

    def record(
        self,
        service: str,
        method: str,  # noqa: ARG002 # the application's own signature
        path: str,  # noqa: ARG002
        headers: Headers,
        body: bytes,
        query: dict[str, Any],
        request_id: str,
        region: str,
    ) -> None:
        """What the application calls after each request."""
        answer = self._answer.get()
        if service != "kms" or answer is None:
            return
        self._answer.set(None)
        if not headers.get("x-amz-target", "").endswith(".Sign"):
            return
        now, identity = time.time(), self._caller(headers, query)
        event = {
            "eventVersion": "1.11",
            "userIdentity": identity,
            "eventTime": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventSource": "kms.amazonaws.com",
            "eventName": "Sign",
            "awsRegion": region,
            "sourceIPAddress": "127.0.0.1",
            "userAgent": headers.get("user-agent", ""),
            "requestID": request_id,
            "eventID": str(uuid.uuid4()),
            "eventType": "AwsApiCall",
            "eventCategory": "Management",
            "managementEvent": True,
            "readOnly": True,
            "recipientAccountId": identity["accountId"],
            **_signature(json.loads(body), answer[0], json.loads(answer[2])),
        }
        self._keep(_found(event, now))


def look_up(events: Sequence[dict[str, Any]], request: dict[str, Any]) -> dict[str, Any]:
    """`LookupEvents`: the newest first, a page at a time.

    Args:
        events: the account's, the oldest first.
        request: the request's body.
    """
    start, end = request.get("StartTime", 0), request.get("EndTime", float("inf"))
    wanted = [
        event
        for event in reversed(events)
        if start <= event["EventTime"] <= end
        and all(_has(event, **attribute) for attribute in request.get("LookupAttributes", []))
    ]
    offset, size = int(request.get("NextToken", 0)), min(request.get("MaxResults", _PAGE), _PAGE)
    page = {"Events": wanted[offset : offset + size]}
    return page | ({"NextToken": str(offset + size)} if wanted[offset + size :] else {})


def keep_tags(
    create: Callable[[dict[str, Any]], Answer], add: Callable[[dict[str, Any]], Answer]
) -> Callable[[dict[str, Any]], Answer]:
    """Wrap CloudTrail's `CreateTrail` so that it keeps the tags that it is given.

    Args:
        create: the service's function: request body.
        add: the service's `AddTags`: request body.
    """

    def wrapped(body: dict[str, Any]) -> Answer:
        answer = create(body)
        if answer[0] == 200 and body.get("TagsList"):
            arn = json.loads(answer[2])["TrailARN"]
            add({"ResourceId": arn, "TagsList": body["TagsList"]})
        return answer

    return wrapped


def _signature(request: dict[str, Any], status: int, answer: dict[str, Any]) -> dict[str, Any]:
    """What an event says of the call itself; the message that was signed is no part of it."""
    parameters = {
        "keyId": request.get("KeyId"),
        "messageType": request.get("MessageType", "RAW"),
        "signingAlgorithm": request.get("SigningAlgorithm"),
    }
    outcome: dict[str, Any] = {"requestParameters": parameters, "responseElements": None}
    if status != 200:
        code = str(answer.get("__type", "")).rpartition("#")[2]
        return outcome | {"errorCode": code, "errorMessage": answer.get("message", "")}
    arn = answer["KeyId"]
    key = {"accountId": arn.split(":")[4], "type": "AWS::KMS::Key", "ARN": arn}
    return outcome | {"resources": [key]}


def _found(event: dict[str, Any], now: float) -> dict[str, Any]:
    identity = event["userIdentity"]
    return {
        "EventId": event["eventID"],
        "EventName": event["eventName"],
        "EventSource": event["eventSource"],
        "EventTime": now,
        "ReadOnly": str(event["readOnly"]).lower(),
        "Username": identity["arn"].rpartition("/")[2],
        "AccessKeyId": identity.get("accessKeyId", ""),
        "Resources": [
            {"ResourceType": entry["type"], "ResourceName": entry["ARN"]}
            for entry in event.get("resources", [])
        ],
        "CloudTrailEvent": json.dumps(event),
    }


def _has(event: dict[str, Any], AttributeKey: str, AttributeValue: str) -> bool:  # noqa: N803 # AWS's names
    if AttributeKey in {"ResourceName", "ResourceType"}:
        return any(entry[AttributeKey] == AttributeValue for entry in event["Resources"])
    return bool(event[AttributeKey] == AttributeValue)


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


def _record_signatures(application: Any) -> None:
    kms: Any = importlib.import_module("ministack.services.kms")
    trail: Any = importlib.import_module("ministack.services.cloudtrail")
    core: Any = importlib.import_module("ministack.core.responses")
    router: Any = importlib.import_module("ministack.core.router")
    evaluator: Any = importlib.import_module("ministack.core.iam_evaluator")

    def caller(headers: Headers, query: dict[str, Any]) -> Identity:
        access_key, account_id = router.extract_access_key_id(headers, query), core.get_account_id()
        known = evaluator.resolve_caller_identity(access_key) or {}
        arn = known.get("userArn") or f"arn:aws:iam::{account_id}:root"
        kinds = {":assumed-role/": "AssumedRole", ":user/": "IAMUser"}
        return {
            "type": next((kind for mark, kind in kinds.items() if mark in arn), "Root"),
            "principalId": known.get("userId") or account_id,
            "arn": arn,
            "accountId": account_id,
            "accessKeyId": access_key,
        }

    def answer(request: dict[str, Any]) -> Answer:
        found: Answer = trail._ok(look_up(list(trail._get_event_queue()), request))  # noqa: SLF001
        return found

    # A ring of 10,000 events an account.
    signatures = Signatures(caller, keep=lambda event: trail._get_event_queue().append(event))  # noqa: SLF001
    kms.handle_request = signatures.watch(kms.handle_request)
    application._maybe_record_cloudtrail = signatures.record  # noqa: SLF001
    actions = trail._DISPATCH  # noqa: SLF001
    actions["LookupEvents"] = answer
    actions["CreateTrail"] = keep_tags(actions["CreateTrail"], actions["AddTags"])


def main() -> None:
    """Become the emulator."""
    alarms: Any = importlib.import_module("ministack.services.cloudwatch")
    alarms._describe_alarms = complete(alarms._describe_alarms, alarms._xml)  # noqa: SLF001
    domains: Any = importlib.import_module("ministack.services.apigateway_v1")._domain_names  # noqa: SLF001
    gateway: Any = importlib.import_module("ministack.services.apigateway")
    gateway._update_domain_name = keep_truststore(gateway._update_domain_name, domains)  # noqa: SLF001
    application: Any = importlib.import_module("ministack.app")
    _record_signatures(application)
    application.main()


if __name__ == "__main__":
    main()
