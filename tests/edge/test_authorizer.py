"""What authorizers decide, and for how long."""

from collections.abc import Callable

import pytest

from local.edge import event
from local.edge.authorizer import Allowed, Authorizers, identity_value
from local.edge.event import Selected
from local.edge.http import Answer
from local.edge.invoke import FunctionFailedError, InvokeTimeoutError
from local.edge.model import Authorizer, AuthorizerKind, Stage
from tests.edge.support import Function, Functions, issue, request, request_authorizer, selected


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Asked:
    """An authorizer function behind the authorizers under test."""

    def __init__(self, answer: Callable[[dict[str, object]], object]) -> None:
        self.function = Function(answer)
        self.clock = Clock()
        self._authorizers = Authorizers(Functions(authorizer=self.function), self.clock)

    @property
    def times(self) -> int:
        return len(self.function.events)

    def __call__(
        self, call: Selected | None = None, authorizer: Authorizer | None = None
    ) -> Allowed | Answer:
        return self._authorizers.authorize(
            authorizer or request_authorizer(), call or calling("Bearer x")
        )


def calling(token: str, route: str = "GET /whoami", client: str | None = None) -> Selected:
    cert = event.client_cert(issue(client).certificate) if client else None
    http = request("GET", "/whoami", ("authorization", token))
    return selected(http, route=route, client_cert=cert)


def status(outcome: Allowed | Answer) -> int:
    assert isinstance(outcome, Answer)
    return outcome.status


def allow(_event: dict[str, object]) -> object:
    return {"isAuthorized": True, "context": {"client_id": "device-001", "n": 1}}


def deny(_event: dict[str, object]) -> object:
    return {"isAuthorized": False}


def test_an_allowed_request_carries_the_context() -> None:
    assert Asked(allow)() == Allowed({"client_id": "device-001", "n": 1})


def test_an_authorizer_without_context_adds_none() -> None:
    assert Asked(lambda _e: {"isAuthorized": True})() == Allowed({})


def test_the_authorizer_has_ten_seconds() -> None:
    asked = Asked(allow)
    asked()
    assert asked.function.seconds == [10.0]


def test_a_denied_request_gets_403() -> None:
    outcome = Asked(deny)()
    assert isinstance(outcome, Answer)
    assert (outcome.status, outcome.body) == (403, b'{"message":"Forbidden"}')


def test_a_missing_identity_source_gets_401_without_asking() -> None:
    asked = Asked(allow)
    outcome = asked(selected())
    assert isinstance(outcome, Answer)
    assert (outcome.status, outcome.body) == (401, b'{"message":"Unauthorized"}')
    assert asked.times == 0


@pytest.mark.parametrize(
    "returned",
    [
        {"isAuthorized": "true"},
        {"isAuthorized": 1},
        {"isAuthorized": None},
        {},
        None,
        "yes",
        [True],
        {"isAuthorized": True, "context": "x"},
        {"isAuthorized": True, "context": ["x"]},
    ],
)
def test_a_malformed_answer_gets_500(returned: object) -> None:
    outcome = Asked(lambda _e: returned)()
    assert isinstance(outcome, Answer)
    assert (outcome.status, outcome.body) == (500, b'{"message":"Internal Server Error"}')


def raising(error: Exception) -> Callable[[dict[str, object]], object]:
    def answer(_event: dict[str, object]) -> object:
        raise error

    return answer


@pytest.mark.parametrize(
    "error", [FunctionFailedError("function_error"), InvokeTimeoutError("timeout")]
)
def test_an_error_or_time_out_gets_500(error: Exception) -> None:
    assert status(Asked(raising(error))()) == 500


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": AuthorizerKind.JWT},
        {"function": None},
        {"payload_version": "1.0"},
    ],
    ids=["jwt", "no-function", "payload-1.0"],
)
def test_what_is_not_imitated_is_refused(changes: dict[str, object]) -> None:
    asked = Asked(allow)
    assert status(asked(authorizer=request_authorizer(**changes))) == 500
    assert asked.times == 0


CACHING = request_authorizer(ttl=60)


def test_without_a_ttl_every_request_is_asked_about() -> None:
    asked = Asked(allow)
    asked()
    asked()
    assert asked.times == 2


@pytest.mark.parametrize("answer", [allow, deny])
def test_a_result_is_kept_for_its_ttl(answer: Callable[[dict[str, object]], object]) -> None:
    asked = Asked(answer)
    first = asked(authorizer=CACHING)
    asked.clock.now = 59.9
    assert asked(authorizer=CACHING) == first
    assert asked.times == 1
    asked.clock.now = 60.0
    asked(authorizer=CACHING)
    assert asked.times == 2


def test_another_token_is_asked_about() -> None:
    asked = Asked(allow)
    asked(calling("Bearer x"), CACHING)
    asked(calling("Bearer y"), CACHING)
    assert asked.times == 2


def test_the_cache_ignores_the_certificate_as_on_aws() -> None:
    asked = Asked(allow)
    asked(calling("Bearer x", client="device-001"), CACHING)
    asked(calling("Bearer x", client="device-002"), CACHING)
    assert asked.times == 1


def test_the_certificate_counts_when_it_is_an_identity_source() -> None:
    asked = Asked(allow)
    sources = ("$request.header.Authorization", "$context.identity.clientCert.subjectDN")
    authorizer = request_authorizer(ttl=60, identity_sources=sources)
    asked(calling("Bearer x", client="device-001"), authorizer)
    asked(calling("Bearer x", client="device-002"), authorizer)
    assert asked.times == 2


def test_a_result_serves_all_routes_unless_the_route_is_an_identity_source() -> None:
    asked = Asked(allow)
    asked(calling("Bearer x", "GET /a"), CACHING)
    asked(calling("Bearer x", "GET /b"), CACHING)
    assert asked.times == 1
    sources = ("$request.header.Authorization", "$context.routeKey")
    per_route = request_authorizer(ttl=60, identity_sources=sources)
    asked(calling("Bearer x", "GET /a"), per_route)
    asked(calling("Bearer x", "GET /b"), per_route)
    assert asked.times == 3


def test_an_error_is_never_kept() -> None:
    answers = iter([{"isAuthorized": "true"}, {"isAuthorized": True}])
    asked = Asked(lambda _e: next(answers))
    assert status(asked(authorizer=CACHING)) == 500
    assert asked(authorizer=CACHING) == Allowed({})


def test_nothing_is_kept_without_identity_sources() -> None:
    asked = Asked(allow)
    authorizer = request_authorizer(ttl=60, identity_sources=())
    asked(authorizer=authorizer)
    asked(authorizer=authorizer)
    assert asked.times == 2


def test_a_changed_authorizer_forgets_its_results() -> None:
    asked = Asked(allow)
    asked(authorizer=CACHING)
    asked(authorizer=request_authorizer(ttl=61))
    assert asked.times == 2


ARN = "arn:aws:execute-api:eu-west-1:222222222222:abc123/$default/GET/whoami"
POLICY = request_authorizer(simple_responses=False, ttl=60)


def policy(*statements: tuple[str, str]) -> object:
    return {
        "principalId": "device-001",
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": effect, "Action": "execute-api:Invoke", "Resource": resource}
                for effect, resource in statements
            ],
        },
        "context": {"a": "b"},
    }


@pytest.mark.parametrize(
    "statements",
    [[("Allow", ARN)], [("Allow", "*")], [("Allow", ARN.replace("GET/whoami", "*/who?mi"))]],
)
def test_a_policy_that_allows_the_route_allows(statements: list[tuple[str, str]]) -> None:
    assert Asked(lambda _e: policy(*statements))(authorizer=POLICY) == Allowed({"a": "b"})


@pytest.mark.parametrize(
    "statements",
    [
        [("Deny", ARN)],
        [("Allow", "*"), ("Deny", ARN)],
        [("Allow", ARN + "/other")],
        [("Allow", ARN.replace("GET", "POST"))],
    ],
)
def test_a_policy_that_does_not_allow_the_route_denies(statements: list[tuple[str, str]]) -> None:
    assert status(Asked(lambda _e: policy(*statements))(authorizer=POLICY)) == 403


def test_a_kept_policy_is_asked_for_each_route() -> None:
    asked = Asked(lambda _e: policy(("Allow", ARN)))
    assert asked(authorizer=POLICY) == Allowed({"a": "b"})
    other = selected(
        request("GET", "/other", ("authorization", "Bearer x")), route="GET /other", path="/other"
    )
    assert status(asked(other, POLICY)) == 403
    assert asked.times == 1


@pytest.mark.parametrize(
    "returned",
    [
        {"isAuthorized": True},
        {"principalId": "x"},
        {"principalId": "x", "policyDocument": {}},
        {"principalId": "x", "policyDocument": {"Statement": [{"Effect": "allow"}]}},
        {"principalId": "x", "policyDocument": {"Statement": [{"Effect": "Allow"}]}},
        {"policyDocument": {"Statement": [{"Effect": "Allow"}]}},
    ],
)
def test_a_malformed_policy_gets_500(returned: object) -> None:
    assert status(Asked(lambda _e: returned)(authorizer=POLICY)) == 500


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("$request.header.Authorization", "Bearer x"),
        ("$request.header.authorization", "Bearer x"),
        ("$request.header.X-Absent", ""),
        ("$request.querystring.q", "1,2"),
        ("$request.querystring.absent", ""),
        ("$stageVariables.colour", "blue"),
        ("$stageVariables.absent", ""),
        ("$context.routeKey", "GET /whoami"),
        ("$context.stage", "$default"),
        ("$context.identity.sourceIp", "127.0.0.1"),
        ("$context.identity.clientCert.subjectDN", ""),
        ("$context.absent", ""),
        ("$unknown.thing", ""),
    ],
)
def test_identity_sources_are_read_from_the_request(source: str, value: str) -> None:
    http = request("GET", "/whoami?q=1&q=2", ("authorization", "Bearer x"))
    call = selected(http, stage=Stage("$default", {"colour": "blue"}))
    assert identity_value(source, call) == value
