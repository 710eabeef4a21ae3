"""Selecting the API mapping and the route of a request, as HTTP APIs do.

Sources: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-mappings.html and
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from local.edge.model import ApiMapping, Route

DEFAULT_ROUTE = "$default"
ANY_METHOD = "ANY"

_ESCAPES = re.compile(r"(?:%(?!25)[0-9A-Fa-f]{2})+")


def decode_path(raw: str) -> str:
    """Decode a request path as HTTP APIs do: every escape but ``%25``, bytes read as UTF-8.

    Leaving ``%25`` alone keeps a path that was escaped twice from being decoded twice.
    """
    return _ESCAPES.sub(lambda run: unquote_to_bytes(run[0]).decode("utf-8", "replace"), raw)


def select_mapping(mappings: Iterable[ApiMapping], path: str) -> tuple[ApiMapping, str] | None:
    """Select a domain's API mapping: the longest key that is a prefix in whole segments.

    Args:
        mappings: The domain's mappings.
        path: The decoded path, beginning with a slash.

    Returns:
        The mapping and the path that remains for its API, or None when none fits.
    """
    best: tuple[ApiMapping, str] | None = None
    for mapping in mappings:
        prefix = f"/{mapping.key}" if mapping.key else ""
        rest = path.removeprefix(prefix)
        fits = path.startswith(prefix) and (not rest or rest.startswith("/"))
        if fits and (best is None or len(mapping.key) > len(best[0].key)):
            best = mapping, rest or "/"
    return best


@dataclass(frozen=True, slots=True)
class Match:
    """The selected route and the values of its path parameters."""

    route: Route
    parameters: Mapping[str, str]


def select_route(routes: Iterable[Route], method: str, path: str) -> Match | None:
    """Select the route of a request.

    The most specific wins: a full match before a greedy ``{proxy+}``, more literal segments before
    fewer, a named method before ``ANY``, and ``$default`` when nothing else fits.

    Args:
        routes: The API's routes.
        method: The HTTP method, in upper case as sent.
        path: The decoded path below the stage.

    Returns:
        The route with its path parameters, or None when the API has none for the request.
    """
    best: tuple[tuple[bool, int, bool], Match] | None = None
    default: Match | None = None
    for route in routes:
        if route.key == DEFAULT_ROUTE:
            default = Match(route, {})
            continue
        route_method, _, template = route.key.partition(" ")
        if route_method not in (method, ANY_METHOD):
            continue
        parameters = match_template(template, path)
        if parameters is None:
            continue
        segments = template.split("/")[1:]
        literals = sum(not segment.startswith("{") for segment in segments)
        rank = (not template.endswith("+}"), literals, route_method != ANY_METHOD)
        if best is None or rank > best[0]:
            best = rank, Match(route, parameters)
    return best[1] if best is not None else default


def match_template(template: str, path: str) -> dict[str, str] | None:
    """Match a path against a route's template.

    Args:
        template: Such as ``/pets/{id}`` or ``/files/{proxy+}``; a parameter is a whole segment.
        path: The decoded path.

    Returns:
        The parameters, or None when the path does not match. A parameter is never empty.
    """
    wanted = template.lstrip("/").split("/")
    given = path.lstrip("/").split("/")
    parameters: dict[str, str] = {}
    for index, segment in enumerate(wanted):
        if segment.startswith("{") and segment.endswith("+}"):
            rest = "/".join(given[index:])
            return {**parameters, segment[1:-2]: rest} if rest else None
        if index >= len(given):
            return None
        if segment.startswith("{") and segment.endswith("}"):
            if not given[index]:
                return None
            parameters[segment[1:-1]] = given[index]
        elif segment != given[index]:
            return None
    return parameters if len(given) == len(wanted) else None
