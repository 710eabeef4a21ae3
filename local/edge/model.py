"""What the control plane says, frozen: domains, APIs, stages, routes, authorizers, integrations.

A ``Snapshot`` is immutable and replaced as a whole, so one request sees one configuration.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pki.gateway.truststore import ClientTrust

_LAMBDA_ARN = re.compile(
    r"arn:(?P<partition>aws[\w-]*):lambda:(?P<region>[a-z0-9-]+):(?P<account>\d{12})"
    r":function:(?P<name>[A-Za-z0-9_-]{1,140})(?::(?P<qualifier>[A-Za-z0-9$_-]{1,128}))?"
    r"(?:/invocations)?$"
)


@dataclass(frozen=True, slots=True)
class FunctionRef:
    """One Lambda function, as an integration or an authorizer names it."""

    account: str
    region: str
    name: str
    qualifier: str | None = None

    @classmethod
    def from_uri(cls, uri: str) -> "FunctionRef | None":
        """Read a function out of an integration or authorizer URI.

        Args:
            uri: A Lambda ARN, or API Gateway's invocation form
                ``arn:aws:apigateway:<region>:lambda:path/2015-03-31/functions/<arn>/invocations``.

        Returns:
            The function, or None when the URI names none (an HTTP integration, for one).
        """
        found = _LAMBDA_ARN.search(uri)
        if found is None:
            return None
        return cls(found["account"], found["region"], found["name"], found["qualifier"])


class Authorization(StrEnum):
    """A route's ``authorizationType``."""

    NONE = "NONE"
    JWT = "JWT"
    AWS_IAM = "AWS_IAM"
    CUSTOM = "CUSTOM"


class AuthorizerKind(StrEnum):
    """An authorizer's ``authorizerType``."""

    REQUEST = "REQUEST"
    JWT = "JWT"


@dataclass(frozen=True, slots=True)
class Authorizer:
    """An authorizer of an HTTP API.

    Attributes:
        kind: REQUEST (a Lambda function) or JWT.
        function: The function to ask, None for JWT or when its URI names none.
        identity_sources: Selection expressions such as ``$request.header.Authorization``.
        ttl: Seconds a result may be kept, 0 for not at all.
        payload_version: ``2.0`` or ``1.0``.
        simple_responses: Whether ``{"isAuthorized": ...}`` is expected rather than a policy.
    """

    id: str
    kind: AuthorizerKind
    function: FunctionRef | None = None
    identity_sources: tuple[str, ...] = ()
    ttl: int = 0
    payload_version: str = "2.0"
    simple_responses: bool = True


@dataclass(frozen=True, slots=True)
class Integration:
    """Where a route leads.

    Attributes:
        type: ``AWS_PROXY`` is the only one served.
        function: The function behind it, None when the URI names none.
        timeout: Seconds, at most 30.
        payload_version: ``2.0`` is the only one served.
    """

    id: str
    type: str
    function: FunctionRef | None
    timeout: float = 30.0
    payload_version: str = "2.0"


@dataclass(frozen=True, slots=True)
class Route:
    """One route of an API: key, protection, target."""

    key: str
    authorization: Authorization = Authorization.NONE
    authorizer_id: str | None = None
    integration_id: str | None = None


@dataclass(frozen=True, slots=True)
class Throttle:
    """A token bucket's settings: steady requests per second, and the bucket's size."""

    rate: float
    burst: int


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage: its variables and throttling (per route key, and for all the others)."""

    name: str
    variables: Mapping[str, str] = field(default_factory=dict)
    throttle: Throttle | None = None
    route_throttles: Mapping[str, Throttle] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Api:
    """One HTTP API with everything below it, keyed as its parts refer to each other."""

    id: str
    account: str
    region: str
    default_endpoint_disabled: bool = False
    stages: Mapping[str, Stage] = field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    integrations: Mapping[str, Integration] = field(default_factory=dict)
    authorizers: Mapping[str, Authorizer] = field(default_factory=dict)

    @property
    def endpoint_host(self) -> str:
        """Host name of the default endpoint."""
        return f"{self.id}.execute-api.{self.region}.amazonaws.com"


@dataclass(frozen=True, slots=True)
class ApiMapping:
    """A path prefix of a domain (empty for all paths) and the API stage behind it."""

    key: str
    api_id: str
    stage: str


@dataclass(frozen=True, slots=True)
class Domain:
    """A custom domain name.

    Attributes:
        client_trust: What client certificates are judged by; None without mutual TLS.
    """

    name: str
    account: str
    client_trust: ClientTrust | None = None
    mappings: tuple[ApiMapping, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that is configured at one moment. Domain names are keys in lower case."""

    domains: Mapping[str, Domain] = field(default_factory=dict)
    apis: Mapping[str, Api] = field(default_factory=dict)

    def endpoint(self, host: str) -> "Domain | Api | None":
        """What answers under a host name: a custom domain, or an API's default endpoint.

        Args:
            host: Host name without a port, any case.

        Returns:
            The domain (the exact one before ``*.`` one), the API, or None.
        """
        host = host.lower()
        domain = self.domains.get(host) or self.domains.get("*." + host.partition(".")[2])
        if domain is not None:
            return domain
        api = self.apis.get(host.partition(".")[0])
        return api if api is not None and api.endpoint_host == host else None
