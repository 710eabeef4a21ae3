"""The events that Lambda functions receive: payload format 2.0, value for value as API Gateway's.

Sources: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html,
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html and,
for the values of ``clientCert``, events captured on AWS.
"""

import base64
import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from local.edge.http import HOP_BY_HOP, Request
from local.edge.model import Api, Route, Stage
from local.edge.routing import DEFAULT_ROUTE

# strftime would follow the machine's locale.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_TEXT_TYPES = frozenset({"application/json", "application/xml", "application/javascript"})

_DN_NAMES = {
    NameOID.EMAIL_ADDRESS: "emailAddress",
    NameOID.SERIAL_NUMBER: "serialNumber",
}

type Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Selected:
    """A request whose API, stage and route have been selected.

    Attributes:
        host: The domain name the client called.
        path: The decoded path below mapping and stage.
        client_cert: ``requestContext.authentication.clientCert``, None without mutual TLS.
    """

    request: Request
    host: str
    api: Api
    stage: Stage
    route: Route
    path: str
    parameters: Mapping[str, str]
    client_cert: Json | None = None

    @property
    def raw_path(self) -> str:
        """``rawPath``: without the mapping's key, and with the name of a named stage."""
        return self.path if self.stage.name == DEFAULT_ROUTE else f"/{self.stage.name}{self.path}"

    @property
    def route_arn(self) -> str:
        """ARN of the route as called, which an authorizer's policy speaks about."""
        return (
            f"arn:aws:execute-api:{self.api.region}:{self.api.account}:{self.api.id}"
            f"/{self.stage.name}/{self.request.method}{self.path}"
        )


def distinguished_name(name: x509.Name) -> str:
    """Write a DN as API Gateway does: encoding order, a comma without a space."""
    return ",".join(rdn.rfc4514_string(_DN_NAMES) for rdn in name.rdns)


def certificate_date(moment: dt.datetime) -> str:
    """Write a date as in ``May  3 16:42:32 2024 GMT``: the day padded with a space."""
    return f"{_MONTHS[moment.month - 1]} {moment.day:2d} {moment:%H:%M:%S} {moment.year} GMT"


def client_cert(certificate: x509.Certificate) -> Json:
    """Describe a client certificate as ``requestContext.authentication.clientCert``.

    Raises:
        ValueError: The certificate holds a name that cannot be parsed.
    """
    return {
        "clientCertPem": certificate.public_bytes(Encoding.PEM).decode("ascii"),
        "subjectDN": distinguished_name(certificate.subject),
        "issuerDN": distinguished_name(certificate.issuer),
        "serialNumber": str(certificate.serial_number),
        "validity": {
            "notBefore": certificate_date(certificate.not_valid_before_utc),
            "notAfter": certificate_date(certificate.not_valid_after_utc),
        },
    }


def integration_event(call: Selected, authorizer_context: Json | None = None) -> dict[str, object]:
    """Build the event for a Lambda proxy integration.

    Args:
        call: The request and what was selected for it.
        authorizer_context: What the authorizer added, None where no authorizer ran.

    Returns:
        The event; keys without a value are left out, as API Gateway does.
    """
    event = {"version": "2.0", **_common(call)}
    if authorizer_context is not None:
        context = dict(_request_context(call), authorizer={"lambda": authorizer_context})
        event["requestContext"] = context
    body = call.request.body
    text = _is_text(call.request)
    if body:
        event["body"] = (
            body.decode("utf-8", "replace") if text else base64.b64encode(body).decode("ascii")
        )
    event["isBase64Encoded"] = bool(body) and not text
    return event


def authorizer_event(call: Selected, identity: Iterable[str]) -> dict[str, object]:
    """Build the event for a REQUEST authorizer, payload format 2.0."""
    return {
        "version": "2.0",
        "type": "REQUEST",
        "routeArn": call.route_arn,
        "identitySource": list(identity),
        **_common(call),
    }


def headers(request: Request) -> dict[str, str]:
    """Return the headers of an event: lower-case names, repeated values joined by commas.

    Hop-by-hop headers and cookies are left out; the forwarding headers are API Gateway's.
    """
    named = {n.strip().lower() for v in request.values("connection") for n in v.split(",")}
    dropped = HOP_BY_HOP | (named - {"host"}) | {"cookie"}
    joined: dict[str, str] = {}
    for name, value in request.headers:
        if name not in dropped:
            joined[name] = f"{joined[name]},{value}" if name in joined else value
    forwarded = joined.get("x-forwarded-for")
    joined["x-forwarded-for"] = (
        f"{forwarded}, {request.source_ip}" if forwarded else request.source_ip
    )
    joined["x-forwarded-port"] = str(request.port)
    joined["x-forwarded-proto"] = "https"
    joined.setdefault("content-length", str(len(request.body)))
    joined.setdefault("x-amzn-trace-id", _trace_id(request))
    return dict(sorted(joined.items()))


def _trace_id(request: Request) -> str:
    # Derived from the request id, so that one request is told under one trace.
    unique = hashlib.sha256(request.id.encode()).hexdigest()[:24]
    return f"Root=1-{int(request.time):08x}-{unique}"


def query_parameters(query: str) -> dict[str, str]:
    """Decode a query; repeated names are joined by commas."""
    joined: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True, errors="replace"):
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def cookies(request: Request) -> list[str]:
    """Return the cookies one by one, as sent."""
    pairs = (pair.strip() for value in request.values("cookie") for pair in value.split(";"))
    return [pair for pair in pairs if pair]


def context_variables(call: Selected) -> dict[str, str]:
    """Return the ``$context`` variables that an identity source may name."""
    request = call.request
    user_agent = ",".join(request.values("user-agent"))
    variables = {
        "accountId": call.api.account,
        "apiId": call.api.id,
        "domainName": call.host,
        "domainPrefix": call.host.partition(".")[0],
        "httpMethod": request.method,
        "identity.sourceIp": request.source_ip,
        "identity.userAgent": user_agent,
        "path": call.raw_path,
        "protocol": request.protocol,
        "requestId": request.id,
        "routeKey": call.route.key,
        "stage": call.stage.name,
    }
    if call.client_cert is not None:
        for name in ("clientCertPem", "subjectDN", "issuerDN", "serialNumber"):
            variables[f"identity.clientCert.{name}"] = str(call.client_cert[name])
    return variables


def _common(call: Selected) -> dict[str, object]:
    request = call.request
    optional = {
        "cookies": cookies(request),
        "queryStringParameters": query_parameters(request.query),
        "pathParameters": dict(call.parameters),
        "stageVariables": dict(call.stage.variables),
    }
    return {
        "routeKey": call.route.key,
        "rawPath": call.raw_path,
        "rawQueryString": request.query,
        "headers": headers(request),
        "requestContext": _request_context(call),
        **{name: value for name, value in optional.items() if value},
    }


def _request_context(call: Selected) -> dict[str, object]:
    request = call.request
    at = dt.datetime.fromtimestamp(request.time, dt.UTC)
    context: dict[str, object] = {
        "accountId": call.api.account,
        "apiId": call.api.id,
        "domainName": call.host,
        "domainPrefix": call.host.partition(".")[0],
        "http": {
            "method": request.method,
            "path": call.raw_path,
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": ",".join(request.values("user-agent")),
        },
        "requestId": request.id,
        "routeKey": call.route.key,
        "stage": call.stage.name,
        "time": f"{at.day:02d}/{_MONTHS[at.month - 1]}/{at.year}:{at:%H:%M:%S} +0000",
        "timeEpoch": int(request.time * 1000),
    }
    if call.client_cert is not None:
        context["authentication"] = {"clientCert": call.client_cert}
    return context


def _is_text(request: Request) -> bool:
    """Say whether a body is handed over as text.

    AWS documents no list; what is known from live tests: ``text/*``, JSON, XML and JavaScript.
    A form (``application/x-www-form-urlencoded``) and an unnamed type arrive in base64.
    """
    kind = ",".join(request.values("content-type")).partition(";")[0].strip().lower()
    return kind.startswith("text/") or kind in _TEXT_TYPES
