"""What happens to one request."""

import datetime as dt

import pytest

from local.edge.gateway import Admitted, ClientCertificate, Connection, Gateway
from local.edge.http import Answer, Request
from local.edge.invoke import FunctionFailedError, InvokeTimeoutError, InvokeUnavailableError
from local.edge.model import (
    ApiMapping,
    Authorization,
    Integration,
    Route,
    Snapshot,
    Stage,
    Throttle,
)
from pki.gateway.truststore import InvalidTruststore
from tests.edge.support import (
    DAY,
    HOST,
    NOW,
    OPEN_HOST,
    OTHER_HOST,
    Function,
    Functions,
    Issued,
    api,
    domain,
    function_ref,
    issue,
    request,
    snapshot,
    truststore,
)

ROOT = issue("Root", ca=True)
OTHER_ROOT = issue("Other root", ca=True)
TRUST = truststore(ROOT)
DEVICE = issue("device-001", ROOT)


def connected(client: Issued | None = DEVICE, sni: str = HOST) -> Connection:
    return Connection(sni, ClientCertificate(client.certificate) if client else None)


class Front:
    """A gateway whose clock and functions the test holds."""

    def __init__(self, configured: Snapshot | None = None) -> None:
        self.backend = Function(lambda event: {"statusCode": 200, "body": "ok"})
        self.authorizer = Function(lambda event: {"isAuthorized": True, "context": {"a": "b"}})
        self.snapshot = configured or snapshot(domain(TRUST))
        self.now = NOW
        self.gateway = Gateway(
            Functions(backend=self.backend, authorizer=self.authorizer),
            clock=lambda: self.now,
            monotonic=lambda: 0.0,
        )

    def __call__(self, http: Request, connection: Connection | None = None) -> Answer:
        outcome = self.gateway.admit(self.snapshot, connection or connected(), http)
        return self.gateway.run(outcome) if isinstance(outcome, Admitted) else outcome

    def called(self) -> int:
        return len(self.backend.events) + len(self.authorizer.events)


TOKEN = request("POST", "/token")
WHOAMI = request("GET", "/whoami", ("authorization", "Bearer x"))


def test_a_known_device_reaches_the_function() -> None:
    front = Front()
    assert front(TOKEN) == Answer(
        200, b"ok", (("content-type", "text/plain;charset=UTF-8"),), reason=None
    )
    context = front.backend.events[0]["requestContext"]
    assert isinstance(context, dict)
    assert context["authentication"]["clientCert"]["subjectDN"] == "CN=device-001"
    assert "authorizer" not in context


def test_the_authorizers_context_reaches_the_function() -> None:
    front = Front()
    assert front(WHOAMI).status == 200
    context = front.backend.events[0]["requestContext"]
    assert isinstance(context, dict)
    assert context["authorizer"] == {"lambda": {"a": "b"}}


@pytest.mark.parametrize(
    ("client", "reason"),
    [
        (issue("device-001", OTHER_ROOT), "untrusted_issuer"),
        (issue("device-001", ROOT, not_after=NOW - DAY / 2), "expired"),
        (None, "no_client_certificate"),
    ],
)
def test_a_refused_certificate_gets_403_and_runs_nothing(
    client: Issued | None, reason: str
) -> None:
    front = Front()
    answer = front(WHOAMI, connected(client))
    assert (answer.status, answer.body, answer.reason) == (
        403,
        b'{"message":"Forbidden"}',
        reason,
    )
    assert front.called() == 0


def test_a_certificate_that_cannot_be_parsed_gets_403() -> None:
    answer = Front()(TOKEN, Connection(HOST, malformed=True))
    assert (answer.status, answer.reason) == (403, "malformed_certificate")


def test_a_connection_outlives_neither_its_certificate_nor_its_truststore() -> None:
    front, connection = Front(), connected()
    assert front(TOKEN, connection).status == 200
    front.snapshot = snapshot(domain(truststore(OTHER_ROOT)))
    assert front(TOKEN, connection).reason == "untrusted_issuer"
    front.snapshot = snapshot(domain(TRUST))
    assert front(TOKEN, connection).status == 200
    front.now = DEVICE.certificate.not_valid_after_utc + dt.timedelta(seconds=1)
    assert front(TOKEN, connection).reason == "expired"


def test_a_certificate_that_was_early_is_accepted_once_it_is_valid() -> None:
    front = Front()
    connection = connected(issue("device-001", ROOT, not_before=NOW + DAY, not_after=NOW + 9 * DAY))
    assert front(TOKEN, connection).reason == "not_yet_valid"
    front.now = NOW + DAY + dt.timedelta(seconds=1)
    assert front(TOKEN, connection).status == 200


def test_an_invalid_truststore_refuses_everybody() -> None:
    front = Front(snapshot(domain(InvalidTruststore("s3://bucket/key", "empty"))))
    assert front(TOKEN).reason == "truststore_invalid"


def test_a_request_for_another_domain_does_not_pass_under_this_ones_truststore() -> None:
    front = Front(snapshot(domain(TRUST), domain(truststore(OTHER_ROOT), OTHER_HOST)))
    answer = front(request("POST", "/token", host=OTHER_HOST), connected(sni=HOST))
    assert (answer.status, answer.reason) == (403, "host_is_not_the_tls_server_name")


def test_a_domain_judges_by_its_own_truststore() -> None:
    front = Front(snapshot(domain(TRUST), domain(truststore(OTHER_ROOT), OTHER_HOST)))
    elsewhere = request("POST", "/token", host=OTHER_HOST)
    assert front(elsewhere, connected(sni=OTHER_HOST)).reason == "untrusted_issuer"
    theirs = issue("device-001", OTHER_ROOT)
    assert front(elsewhere, connected(theirs, OTHER_HOST)).status == 200


def test_a_domain_that_was_deleted_meanwhile_refuses() -> None:
    front = Front()
    front.snapshot = Snapshot()
    assert front(TOKEN).status == 403


def test_a_domain_without_mutual_tls_serves_without_certificates() -> None:
    front = Front(snapshot(domain(None, OPEN_HOST)))
    answer = front(request("POST", "/token", host=OPEN_HOST), connected(None, OPEN_HOST))
    assert answer.status == 200
    context = front.backend.events[0]["requestContext"]
    assert isinstance(context, dict)
    assert "authentication" not in context


def test_a_connection_made_before_mutual_tls_was_switched_on_is_refused() -> None:
    front = Front(snapshot(domain(None)))
    connection = connected(None)
    assert front(TOKEN, connection).status == 200
    front.snapshot = snapshot(domain(TRUST))
    assert front(TOKEN, connection).reason == "no_client_certificate"


DEFAULT_HOST = "abc123.execute-api.eu-west-1.amazonaws.com"


def default_endpoint(target: str, *, disabled: bool, stages: dict[str, Stage]) -> Answer:
    configured = snapshot(apis=(api(default_endpoint_disabled=disabled, stages=stages),))
    http = request("POST", target, host=DEFAULT_HOST)
    return Front(configured)(http, connected(None, DEFAULT_HOST))


def test_the_default_endpoint_answers_404_when_disabled() -> None:
    answer = default_endpoint("/token", disabled=True, stages={"$default": Stage("$default")})
    assert (answer.status, answer.body) == (404, b'{"message":"Not Found"}')


@pytest.mark.parametrize("target", ["/token", "/v1/token"])
def test_the_default_endpoint_serves_its_stages(target: str) -> None:
    stages = {"$default": Stage("$default"), "v1": Stage("v1")}
    assert default_endpoint(target, disabled=False, stages=stages).status == 200


def test_the_default_endpoint_without_a_default_stage_needs_a_stage_in_the_path() -> None:
    assert default_endpoint("/token", disabled=False, stages={"v1": Stage("v1")}).status == 404


def test_mapping_keys_select_api_and_stage_and_stay_out_of_the_raw_path() -> None:
    stages = {"$default": Stage("$default"), "v2": Stage("v2")}
    mapped = domain(
        TRUST,
        HOST,
        ApiMapping("", "abc123", "$default"),
        ApiMapping("orders/v2", "abc123", "v2"),
        ApiMapping("gone", "nope", "$default"),
    )
    front = Front(snapshot(mapped, apis=(api(stages=stages),)))
    assert front(request("POST", "/orders/v2/token")).status == 200
    assert front.backend.events[0]["rawPath"] == "/v2/token"
    assert front(request("POST", "/token")).status == 200
    assert front.backend.events[1]["rawPath"] == "/token"
    assert front(request("POST", "/gone/token")).reason == "mapped_api_missing"


def test_a_path_without_mapping_or_route_gets_404() -> None:
    keyed = Front(snapshot(domain(TRUST, HOST, ApiMapping("v1", "abc123", "$default"))))
    assert keyed(TOKEN).reason == "no_api_mapping"
    answer = Front()(request("GET", "/nowhere"))
    assert (answer.status, answer.body) == (404, b'{"message":"Not Found"}')


def test_a_mapping_to_a_stage_that_is_gone_gets_404() -> None:
    mapped = domain(TRUST, HOST, ApiMapping("", "abc123", "gone"))
    assert Front(snapshot(mapped))(TOKEN).reason == "no_stage"


def test_path_parameters_reach_the_function_decoded() -> None:
    front = Front()
    front(request("PUT", "/files/a%20b/c"))
    assert front.backend.events[0]["pathParameters"] == {"proxy": "a b/c"}
    assert front.backend.events[0]["rawPath"] == "/files/a b/c"


def test_a_stage_over_its_limit_answers_429_before_the_authorizer() -> None:
    stages = {"$default": Stage("$default", throttle=Throttle(1.0, 1))}
    front = Front(snapshot(domain(TRUST), apis=(api(stages=stages),)))
    assert front(WHOAMI).status == 200
    answer = front(WHOAMI)
    assert (answer.status, answer.body) == (429, b'{"message":"Too Many Requests"}')
    assert len(front.authorizer.events) == 1


def test_a_refused_certificate_does_not_use_up_the_limit() -> None:
    stages = {"$default": Stage("$default", throttle=Throttle(0.0, 1))}
    front = Front(snapshot(domain(TRUST), apis=(api(stages=stages),)))
    assert front(TOKEN, connected(issue("x", OTHER_ROOT))).status == 403
    assert front(TOKEN).status == 200


@pytest.mark.parametrize("authorization", [Authorization.JWT, Authorization.AWS_IAM])
def test_authorization_that_is_not_imitated_is_refused(authorization: Authorization) -> None:
    routes = (Route("GET /whoami", authorization, "auth1", "int1"),)
    front = Front(snapshot(domain(TRUST), apis=(api(routes=routes),)))
    assert front(WHOAMI).status == 500
    assert front.called() == 0


def test_a_protected_route_whose_authorizer_is_gone_is_refused() -> None:
    routes = (Route("GET /whoami", Authorization.CUSTOM, "gone", "int1"),)
    front = Front(snapshot(domain(TRUST), apis=(api(routes=routes),)))
    assert front(WHOAMI).status == 500
    assert front.called() == 0


@pytest.mark.parametrize(
    "integration",
    [
        Integration("int1", "HTTP_PROXY", None),
        Integration("int1", "AWS_PROXY", None),
        Integration("int1", "AWS_PROXY", function_ref("backend"), payload_version="1.0"),
        Integration("other", "AWS_PROXY", function_ref("backend")),
    ],
    ids=["http", "no-function", "payload-1.0", "missing"],
)
def test_an_integration_that_is_not_imitated_gets_500(integration: Integration) -> None:
    front = Front(snapshot(domain(TRUST), apis=(api(integration=integration),)))
    assert front(TOKEN).status == 500
    assert front.called() == 0


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (FunctionFailedError("function_error"), 500, b'{"message":"Internal Server Error"}'),
        (InvokeTimeoutError("timeout"), 503, b'{"message":"Service Unavailable"}'),
        (InvokeUnavailableError("unreachable"), 503, b'{"message":"Service Unavailable"}'),
    ],
)
def test_a_function_without_a_result_gets_an_error(
    error: Exception, status: int, message: bytes
) -> None:
    def fail(_event: dict[str, object]) -> object:
        raise error

    front = Front()
    front.backend.answer = fail
    answer = front(TOKEN)
    assert (answer.status, answer.body) == (status, message)


def test_the_integration_has_its_own_time_limit() -> None:
    front = Front()
    front(TOKEN)
    assert front.backend.seconds == [29.0]
