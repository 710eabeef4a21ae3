"""What happens to one request, from a judged connection to an answer. No sockets here.

``admit`` decides all that can be decided at once; only what it admits costs a thread, in ``run``.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from cryptography import x509

from local.edge import event, response
from local.edge.authorizer import Authorizers
from local.edge.event import Json, Selected
from local.edge.http import (
    FORBIDDEN,
    INTERNAL_ERROR,
    NOT_FOUND,
    TOO_MANY_REQUESTS,
    UNAVAILABLE,
    Answer,
    Request,
)
from local.edge.invoke import FunctionFailedError, Invoke, InvokeError
from local.edge.model import Api, Authorization, Domain, Integration, Snapshot
from local.edge.routing import DEFAULT_ROUTE, decode_path, select_mapping, select_route
from local.edge.throttle import Throttles
from pki.gateway.chain import Judgement, judge
from pki.gateway.truststore import ClientTrust


class ClientCertificate:
    """The certificate of one connection, judged once and again only when that may matter."""

    def __init__(self, certificate: x509.Certificate) -> None:
        self.certificate = certificate
        self._judged: tuple[ClientTrust, Judgement] | None = None
        self._described: Json | None = None

    def judge(self, trust: ClientTrust, now: dt.datetime) -> Judgement:
        """Judge the certificate under a truststore (see ``chain.judge``)."""
        if self._judged is not None:
            under, judgement = self._judged
            if under is trust and (judgement.until is None or now <= judgement.until):
                return judgement
        judgement = judge(self.certificate, trust, now)
        self._judged = (trust, judgement)
        return judgement

    def describe(self) -> Json:
        """Describe it as events do (see ``event.client_cert``)."""
        if self._described is None:
            self._described = event.client_cert(self.certificate)
        return self._described


@dataclass(frozen=True, slots=True)
class Connection:
    """What TLS established.

    Attributes:
        sni: The server name the client asked for, in lower case.
        client: The client's certificate; None when none was asked for.
        malformed: A client certificate was presented that cannot be parsed.
    """

    sni: str
    client: ClientCertificate | None = None
    malformed: bool = False


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that has a route, an integration, and passed throttling."""

    call: Selected
    integration: Integration


class Gateway:
    """API Gateway's data plane for HTTP APIs."""

    def __init__(
        self,
        invoke: Invoke,
        *,
        clock: Callable[[], dt.datetime],
        monotonic: Callable[[], float],
    ) -> None:
        """Make a gateway with nothing cached.

        Args:
            invoke: Calls Lambda functions.
            clock: The time, aware, for certificates.
            monotonic: Seconds that never run backwards, for throttling and caches.
        """
        self._invoke = invoke
        self._clock = clock
        self._authorizers = Authorizers(invoke, monotonic)
        self._throttles = Throttles(monotonic)

    def admit(
        self, snapshot: Snapshot, connection: Connection, request: Request
    ) -> Admitted | Answer:
        """Decide all that takes no function call.

        Args:
            snapshot: The configuration to serve the request under.
            connection: What TLS established.
            request: The request.

        Returns:
            The admitted request, for ``run``, or the answer that ends it here.
        """
        endpoint = snapshot.endpoint(connection.sni)
        if endpoint is None:
            return FORBIDDEN.because("domain_gone")
        # A request for another domain must not pass under this one's truststore.
        if request.host != connection.sni:
            return FORBIDDEN.because("host_is_not_the_tls_server_name")
        path = decode_path(request.raw_path)
        if isinstance(endpoint, Api):
            return self._admit_default_endpoint(endpoint, connection, request, path)
        return self._admit_domain(snapshot, endpoint, connection, request, path)

    def run(self, admitted: Admitted) -> Answer:
        """Ask the authorizer, call the integration, and turn its result into an answer.

        Blocks for as long as the functions take.
        """
        call = admitted.call
        context: Json | None = None
        if call.route.authorization is Authorization.CUSTOM:
            authorizer = call.api.authorizers.get(call.route.authorizer_id or "")
            if authorizer is None:
                return INTERNAL_ERROR.because("authorizer_missing")
            outcome = self._authorizers.authorize(authorizer, call)
            if isinstance(outcome, Answer):
                return outcome
            context = outcome.context
        return self._integrate(admitted, context)

    def _admit_default_endpoint(
        self, api: Api, connection: Connection, request: Request, path: str
    ) -> Admitted | Answer:
        if api.default_endpoint_disabled:
            return NOT_FOUND.because("default_endpoint_disabled")
        first, _, rest = path.removeprefix("/").partition("/")
        named = first in api.stages and first != DEFAULT_ROUTE
        stage, below = (first, f"/{rest}") if named else (DEFAULT_ROUTE, path)
        return self._admit_stage(api, stage, below, connection.sni, request, None)

    def _admit_domain(
        self,
        snapshot: Snapshot,
        domain: Domain,
        connection: Connection,
        request: Request,
        path: str,
    ) -> Admitted | Answer:
        client_cert: Json | None = None
        if domain.client_trust is not None:
            if connection.client is None:
                return FORBIDDEN.because(
                    "malformed_certificate" if connection.malformed else "no_client_certificate"
                )
            judgement = connection.client.judge(domain.client_trust, self._clock())
            if judgement.refusal is not None:
                return FORBIDDEN.because(judgement.refusal)
            client_cert = connection.client.describe()
        selected = select_mapping(domain.mappings, path)
        if selected is None:
            return NOT_FOUND.because("no_api_mapping")
        mapping, below = selected
        api = snapshot.apis.get(mapping.api_id)
        if api is None:
            return NOT_FOUND.because("mapped_api_missing")
        return self._admit_stage(api, mapping.stage, below, connection.sni, request, client_cert)

    def _admit_stage(
        self,
        api: Api,
        stage_name: str,
        path: str,
        host: str,
        request: Request,
        client_cert: Json | None,
    ) -> Admitted | Answer:
        stage = api.stages.get(stage_name)
        if stage is None:
            return NOT_FOUND.because("no_stage")
        match = select_route(api.routes, request.method, path)
        if match is None:
            return NOT_FOUND.because("no_route")
        if not self._throttles.admit(api, stage, match.route.key):
            return TOO_MANY_REQUESTS.because("throttled")
        if match.route.authorization not in (Authorization.NONE, Authorization.CUSTOM):
            kind = match.route.authorization.value.lower()
            return INTERNAL_ERROR.because(f"{kind}_authorization_not_imitated")
        integration = api.integrations.get(match.route.integration_id or "")
        if integration is None or integration.function is None or integration.type != "AWS_PROXY":
            return INTERNAL_ERROR.because("not_a_lambda_proxy_integration")
        if integration.payload_version != "2.0":
            return INTERNAL_ERROR.because("payload_1_0_not_imitated")
        call = Selected(request, host, api, stage, match.route, path, match.parameters, client_cert)
        return Admitted(call, integration)

    def _integrate(self, admitted: Admitted, context: Json | None) -> Answer:
        call, integration = admitted.call, admitted.integration
        if integration.function is None:
            return INTERNAL_ERROR.because("not_a_lambda_proxy_integration")
        payload = event.integration_event(call, context)
        try:
            returned = self._invoke(integration.function, payload, integration.timeout)
        except FunctionFailedError as error:
            return INTERNAL_ERROR.because(f"integration_{error}")
        except InvokeError as error:
            return UNAVAILABLE.because(f"integration_{error}")
        return response.to_answer(returned)
