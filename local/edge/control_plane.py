"""Reading the configuration from the emulator's control plane, and calling its functions.

Accounts of an emulator are access keys: a session whose access key is an account's id acts in it.
"""

import datetime as dt
import json
import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

import boto3
import botocore.session
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    ReadTimeoutError,
)
from botocore.exceptions import (
    ConnectionError as BotoConnectionError,
)

from local.edge.errors import ControlPlaneError, UnreachableError
from local.edge.invoke import FunctionFailedError, InvokeTimeoutError, InvokeUnavailableError
from local.edge.model import (
    Api,
    ApiMapping,
    Authorization,
    Authorizer,
    AuthorizerKind,
    Domain,
    FunctionRef,
    Integration,
    Route,
    Snapshot,
    Stage,
    Throttle,
)
from local.edge.truststore import ObjectMissingError, Pin, Pinned, S3Object
from pki.gateway.truststore import MAX_BYTES, ClientTrust

MAX_INTEGRATION_SECONDS = 30.0
CONNECTIONS = 64
"""How many calls of one client run at once."""

_log = logging.getLogger(__name__)

# The service models have hundreds of optional keys; what is read here is checked as it is read.
type Item = Mapping[str, Any]


class Clients:
    """boto3 clients, one per account, service and time limit; safe to use from any thread."""

    def __init__(
        self, endpoint_url: str, region: str, session: boto3.session.Session | None = None
    ) -> None:
        """Remember where the emulator is.

        Args:
            endpoint_url: The emulator's URL.
            region: The region all is in.
            session: Makes the clients; its own credentials are not used.
        """
        self.endpoint_url = endpoint_url
        self.region = region
        self._session = session or _session()
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str, float], BaseClient] = {}

    def get(self, account: str, service: str, seconds: float = 10.0) -> Any:
        """Return a client that acts in an account and waits at most so long for an answer."""
        key = (account, service, seconds)
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self._make(account, service, seconds)
            return self._clients[key]

    def _make(self, account: str, service: str, seconds: float) -> BaseClient:
        config = Config(
            connect_timeout=3,
            read_timeout=seconds,
            retries={"total_max_attempts": 1},
            proxies={},  # The emulator is on this machine, whatever HTTP_PROXY says.
            max_pool_connections=CONNECTIONS,
            s3={"addressing_style": "path"},
        )
        make = cast("Callable[..., BaseClient]", self._session.client)
        return make(
            service,
            region_name=self.region,
            endpoint_url=self.endpoint_url,
            aws_access_key_id=account,
            aws_secret_access_key="emulator",  # noqa: S106 - emulators take any
            config=config,
        )


def _session() -> boto3.session.Session:
    # The user's own profile is for AWS: an emulator's clients must not depend on it.
    nowhere = dict.fromkeys(("config_file", "credentials_file"), (None, None, os.devnull, None))
    variables = {"profile": (None, None, None, None), **nowhere}
    return boto3.session.Session(botocore_session=botocore.session.Session(variables))


class ControlPlane:
    """The emulator's apigatewayv2 and S3, as snapshots."""

    def __init__(
        self, clients: Clients, accounts: Sequence[str], clock: Callable[[], dt.datetime]
    ) -> None:
        """Make a reader.

        Args:
            clients: boto3 clients.
            accounts: The accounts to serve, in order.
            clock: The time, aware.
        """
        self._clients = clients
        self._accounts = tuple(dict.fromkeys(accounts))
        self._clock = clock
        self._truststores = Pinned(self._read_object, self._problem)
        self._told: set[str] = set()

    def load(self) -> Snapshot:
        """Read everything.

        Returns:
            The configuration of all accounts.

        Raises:
            UnreachableError: The emulator does not answer.
            ControlPlaneError: It answered with an error, or with something unusable.
        """
        apis: dict[str, Api] = {}
        domains: dict[str, Domain] = {}
        taken_twice: set[str] = set()
        try:
            for account in self._accounts:
                for api in self._apis(account):
                    apis[api.id] = api
                for domain in self._domains(account):
                    if domain.name in domains:
                        taken_twice.add(domain.name)
                    domains[domain.name] = domain
        except (BotoConnectionError, HTTPClientError) as error:
            raise UnreachableError(
                f"the emulator does not answer at {self._clients.endpoint_url}",
                hint="start it first, or correct --endpoint-url",
            ) from error
        except (BotoCoreError, ClientError, KeyError, TypeError, ValueError) as error:
            raise ControlPlaneError(f"the control plane cannot be read: {error!r}") from error
        self._truststores.keep_only({(d.account, d.name) for d in domains.values()})
        for name in taken_twice:
            # On AWS this cannot happen; guessing whose truststore counts is not for us.
            del domains[name]
            self._tell_once(f"domain {name} exists in several accounts: not served")
        return Snapshot(domains, apis)

    def _domains(self, account: str) -> Iterable[Domain]:
        gateway = self._clients.get(account, "apigatewayv2")
        for item in _pages(gateway.get_domain_names):
            name = str(item["DomainName"]).lower()
            mappings = _pages(gateway.get_api_mappings, DomainName=item["DomainName"])
            yield Domain(
                name=name,
                account=account,
                client_trust=self._trust(account, name, item.get("MutualTlsAuthentication") or {}),
                mappings=tuple(
                    ApiMapping(m.get("ApiMappingKey") or "", m["ApiId"], m["Stage"])
                    for m in mappings
                ),
            )

    def _trust(self, account: str, domain: str, mutual_tls: Item) -> ClientTrust | None:
        uri = mutual_tls.get("TruststoreUri")
        if not uri:
            return None
        pin = Pin(uri, mutual_tls.get("TruststoreVersion") or None)
        return self._truststores.resolve(account, domain, pin, self._clock())

    def _apis(self, account: str) -> Iterable[Api]:
        gateway = self._clients.get(account, "apigatewayv2")
        for item in _pages(gateway.get_apis):
            if item.get("ProtocolType") != "HTTP":
                continue
            api_id = item["ApiId"]
            routes = _pages(gateway.get_routes, ApiId=api_id)
            stages = _pages(gateway.get_stages, ApiId=api_id)
            integrations = _pages(gateway.get_integrations, ApiId=api_id)
            authorizers = _pages(gateway.get_authorizers, ApiId=api_id)
            yield Api(
                id=api_id,
                account=account,
                region=self._clients.region,
                default_endpoint_disabled=bool(item.get("DisableExecuteApiEndpoint")),
                stages={s["StageName"]: _stage(s) for s in stages},
                routes=tuple(_route(r) for r in routes),
                integrations={i["IntegrationId"]: _integration(i) for i in integrations},
                authorizers={a["AuthorizerId"]: _authorizer(a) for a in authorizers},
            )

    def _read_object(self, account: str, bucket: str, key: str, version: str | None) -> S3Object:
        which = {"VersionId": version} if version else {}
        try:
            found = self._clients.get(account, "s3").get_object(Bucket=bucket, Key=key, **which)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "unknown")
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500:
                raise
            raise ObjectMissingError(f"S3 answers {code}") from error
        # One byte over the limit is enough to know that it is over.
        return S3Object(found["Body"].read(MAX_BYTES + 1), found.get("VersionId"))

    def _problem(self, domain: str, problem: str) -> None:
        _log.warning("domain %s: %s", domain, problem)

    def _tell_once(self, message: str) -> None:
        if message not in self._told:
            self._told.add(message)
            _log.warning("%s", message)


def _pages(read: Callable[..., Item], **arguments: str) -> list[Item]:
    items: list[Item] = []
    token: str | None = None
    while True:
        page = read(**arguments, **({"NextToken": token} if token else {}))
        items.extend(page["Items"])  # Absent: whatever answers is no API Gateway.
        token = page.get("NextToken")
        if not token:
            return items


def _route(item: Item) -> Route:
    target = item.get("Target") or ""
    return Route(
        key=item["RouteKey"],
        authorization=Authorization(item.get("AuthorizationType") or "NONE"),
        authorizer_id=item.get("AuthorizerId") or None,
        integration_id=target.removeprefix("integrations/") or None,
    )


def _integration(item: Item) -> Integration:
    milliseconds = item.get("TimeoutInMillis") or MAX_INTEGRATION_SECONDS * 1000
    return Integration(
        id=item["IntegrationId"],
        type=item.get("IntegrationType") or "",
        function=FunctionRef.from_uri(item.get("IntegrationUri") or ""),
        timeout=min(float(milliseconds) / 1000, MAX_INTEGRATION_SECONDS),
        payload_version=str(item.get("PayloadFormatVersion") or "1.0"),
    )


def _authorizer(item: Item) -> Authorizer:
    ttl = item.get("AuthorizerResultTtlInSeconds")
    return Authorizer(
        id=item["AuthorizerId"],
        kind=AuthorizerKind(item.get("AuthorizerType") or "JWT"),
        function=FunctionRef.from_uri(item.get("AuthorizerUri") or ""),
        identity_sources=tuple(item.get("IdentitySource") or ()),
        ttl=300 if ttl is None else int(ttl),
        payload_version=str(item.get("AuthorizerPayloadFormatVersion") or "1.0"),
        simple_responses=bool(item.get("EnableSimpleResponses")),
    )


def _stage(item: Item) -> Stage:
    by_route = (item.get("RouteSettings") or {}).items()
    throttles = {key: _throttle(settings) for key, settings in by_route}
    return Stage(
        name=item["StageName"],
        variables=dict(item.get("StageVariables") or {}),
        throttle=_throttle(item.get("DefaultRouteSettings") or {}),
        route_throttles={key: throttle for key, throttle in throttles.items() if throttle},
    )


def _throttle(settings: Item) -> Throttle | None:
    rate, burst = settings.get("ThrottlingRateLimit"), settings.get("ThrottlingBurstLimit")
    if rate is None and burst is None:
        return None
    # One of the two alone leaves the other at the account's limits.
    return Throttle(float(10_000 if rate is None else rate), int(5_000 if burst is None else burst))


class LambdaInvoker:
    """Calls functions through the emulator's Lambda API (see ``invoke.Invoke``)."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def __call__(self, function: FunctionRef, event: dict[str, object], seconds: float) -> object:
        """Call a function and wait; see ``invoke.Invoke``."""
        # The function's own account: Lambda's resource policies are not imitated.
        client = self._clients.get(function.account, "lambda", seconds)
        qualifier = {"Qualifier": function.qualifier} if function.qualifier else {}
        try:
            answer = client.invoke(
                FunctionName=function.name,
                InvocationType="RequestResponse",
                Payload=json.dumps(event).encode(),
                **qualifier,
            )
            payload = answer["Payload"].read()
        except ReadTimeoutError as error:
            raise InvokeTimeoutError("timeout") from error
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "TooManyRequestsException":
                raise InvokeUnavailableError("function_throttled") from error
            raise FunctionFailedError("function_cannot_be_invoked") from error
        except (BotoCoreError, HTTPClientError, OSError) as error:
            raise InvokeUnavailableError("emulator_unreachable") from error
        if answer.get("FunctionError"):
            raise FunctionFailedError("function_error")
        try:
            return json.loads(payload) if payload else None
        except ValueError as error:
            raise FunctionFailedError("function_answered_no_json") from error
