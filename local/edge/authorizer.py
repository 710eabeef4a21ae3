"""REQUEST authorizers: identity sources, the call, its answer, and the result cache.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
"""

import fnmatch
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from local.edge import event
from local.edge.event import Json, Selected
from local.edge.http import FORBIDDEN, INTERNAL_ERROR, UNAUTHORIZED, Answer
from local.edge.invoke import Invoke, InvokeError
from local.edge.model import Authorizer, AuthorizerKind

SECONDS = 10.0
"""How long API Gateway waits for an authorizer."""

CACHED_RESULTS = 10_000


@dataclass(frozen=True, slots=True)
class Allowed:
    """The authorizer let the request through, with this context for the integration."""

    context: Json


@dataclass(frozen=True, slots=True)
class _Result:
    """What an authorizer said: a decision, or a policy that is asked per route."""

    decision: bool | None
    statements: tuple[Mapping[str, object], ...]
    context: Json

    def allows(self, route_arn: str) -> bool:
        if self.decision is not None:
            return self.decision
        effects = {s["Effect"] for s in self.statements if _applies(s, route_arn)}
        return effects == {"Allow"}


class _MalformedError(ValueError):
    """The authorizer's answer is not in the response format."""


class Authorizers:
    """Asks authorizers and keeps their results for as long as each of them says.

    As on AWS a result is kept under the identity sources' values alone. It is used on every route
    of the stage unless ``$context.routeKey`` is a source, and for every client certificate unless
    one of its fields is.
    """

    def __init__(self, invoke: Invoke, clock: Callable[[], float]) -> None:
        """Make an authorizer client with an empty cache.

        Args:
            invoke: Calls functions.
            clock: Seconds that never run backwards.
        """
        self._invoke = invoke
        self._clock = clock
        self._lock = threading.Lock()
        self._cache: OrderedDict[object, tuple[float, _Result]] = OrderedDict()

    def authorize(self, authorizer: Authorizer, call: Selected) -> Allowed | Answer:
        """Decide about a request.

        Args:
            authorizer: The route's authorizer.
            call: The request.

        Returns:
            The context of an allowed request, or the answer: 401 when an identity source is
            missing, 403 when denied, 500 when the authorizer fails in any way.
        """
        if authorizer.kind is not AuthorizerKind.REQUEST:
            return INTERNAL_ERROR.because("jwt_authorizer_not_imitated")
        if authorizer.payload_version != "2.0":
            return INTERNAL_ERROR.because("authorizer_payload_1_0_not_imitated")
        if authorizer.function is None:
            return INTERNAL_ERROR.because("authorizer_names_no_function")
        identity = tuple(identity_value(s, call) for s in authorizer.identity_sources)
        if not all(identity):
            return UNAUTHORIZED.because("missing_identity_source")
        # The whole authorizer is part of the key, so that changing it empties its cache.
        key = (call.api.account, call.api.id, call.stage.name, authorizer, identity)
        cacheable = authorizer.ttl > 0 and bool(identity)
        result = self._cached(key) if cacheable else None
        if result is None:
            try:
                result = _parse(authorizer, self._ask(authorizer, call, identity))
            except InvokeError as error:
                return INTERNAL_ERROR.because(f"authorizer_{error}")
            except _MalformedError as error:
                return INTERNAL_ERROR.because(f"malformed_authorizer_response: {error}")
            if cacheable:
                self._keep(key, authorizer.ttl, result)
        if not result.allows(call.route_arn):
            return FORBIDDEN.because("denied_by_authorizer")
        return Allowed(result.context)

    def _ask(self, authorizer: Authorizer, call: Selected, identity: tuple[str, ...]) -> object:
        if authorizer.function is None:  # pragma: no cover - authorize() has looked
            raise _MalformedError("no function")
        question = event.authorizer_event(call, identity)
        return self._invoke(authorizer.function, question, SECONDS)

    def _cached(self, key: object) -> _Result | None:
        with self._lock:
            found = self._cache.get(key)
            return found[1] if found is not None and found[0] > self._clock() else None

    def _keep(self, key: object, ttl: int, result: _Result) -> None:
        with self._lock:
            self._cache[key] = (self._clock() + ttl, result)
            self._cache.move_to_end(key)
            while len(self._cache) > CACHED_RESULTS:
                self._cache.popitem(last=False)


def identity_value(source: str, call: Selected) -> str:
    """Evaluate one identity source; an empty string stands for a missing one."""
    kind, _, name = source.partition(".")
    if kind == "$stageVariables":
        return call.stage.variables.get(name, "")
    if kind == "$context":
        return event.context_variables(call).get(name, "")
    if source.startswith("$request.header."):
        return ",".join(call.request.values(source.removeprefix("$request.header.").lower()))
    if source.startswith("$request.querystring."):
        wanted = source.removeprefix("$request.querystring.")
        return event.query_parameters(call.request.query).get(wanted, "")
    return ""


def _parse(authorizer: Authorizer, returned: object) -> _Result:
    if not isinstance(returned, dict):
        raise _MalformedError("not an object")
    context = returned.get("context")
    if context is None:
        context = {}
    if not isinstance(context, dict):
        raise _MalformedError("context is not an object")
    if authorizer.simple_responses:
        decision = returned.get("isAuthorized")
        if not isinstance(decision, bool):
            raise _MalformedError("isAuthorized is not a boolean")
        return _Result(decision, (), context)
    principal = returned.get("principalId")
    if not isinstance(principal, str):
        raise _MalformedError("principalId is not a string")
    return _Result(None, _statements(returned.get("policyDocument")), context)


def _statements(policy: object) -> tuple[Mapping[str, object], ...]:
    if not isinstance(policy, dict):
        raise _MalformedError("policyDocument is not an object")
    statements = policy.get("Statement")
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not statements:
        raise _MalformedError("policyDocument has no Statement")
    for statement in statements:
        if not isinstance(statement, dict) or statement.get("Effect") not in ("Allow", "Deny"):
            raise _MalformedError("a statement's Effect is neither Allow nor Deny")
        if "Condition" in statement:
            raise _MalformedError("conditions in policies are not imitated")
        if not (_strings(statement.get("Action")) and _strings(statement.get("Resource"))):
            raise _MalformedError("a statement has no Action or Resource")
    return tuple(statements)


def _applies(statement: Mapping[str, object], route_arn: str) -> bool:
    return any(
        _like("execute-api:invoke", action.lower()) for action in _strings(statement["Action"])
    ) and any(_like(route_arn, resource) for resource in _strings(statement["Resource"]))


def _like(text: str, pattern: str) -> bool:
    # IAM knows * and ? only; brackets mean themselves.
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    return []
